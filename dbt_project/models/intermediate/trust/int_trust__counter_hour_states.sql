{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_hours as (
    select
        *,
        bit_count(expected_mask)::integer as expected_minutes,
        bit_count(received_mask)::integer as received_minutes,
        bit_count(expected_mask & ~received_mask)::integer as missing_minutes,
        case
            when missing_state = 'delivery_rejected' then bit_count(expected_mask & ~received_mask)
            else bit_count(expected_mask & ~received_mask & rejected_mask)
        end::integer as rejected_minutes
    from {{ ref('int_traffic__counter_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

stuck_hours as (
    select * from {{ ref('int_trust__stuck_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

judged as (
    select
        counter_hours.*,
        case
            when counter_hours.branch_code is null then 'not_installed'
            when counter_hours.expected_minutes = 0 then 'closed'
            when counter_hours.missing_minutes = 0 and stuck_hours.device_id is not null then 'stuck_zero'
            when counter_hours.missing_minutes = 0 and counter_hours.is_late then 'received_late'
            when counter_hours.missing_minutes = 0 and counter_hours.row_count = 0 then 'zero_sparse'
            when counter_hours.missing_minutes = 0 then 'received'
            when counter_hours.rejected_minutes * 2 >= counter_hours.missing_minutes then 'delivery_rejected'
            else counter_hours.missing_state
        end as state
    from counter_hours
    left join stuck_hours
        on
            counter_hours.source = stuck_hours.source
            and counter_hours.device_id = stuck_hours.device_id
            and counter_hours.line_id = stuck_hours.line_id
            and counter_hours.branch_code = stuck_hours.branch_code
            and counter_hours.hour_start_at = stuck_hours.hour_start_at
            and counter_hours.placement = 'entrance'
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    hour_start_at,
    hour_local,
    entry_count,
    exit_count,
    staff_count,
    open_entry_count,
    open_exit_count,
    expected_minutes,
    received_minutes,
    rejected_minutes,
    missing_minutes - rejected_minutes as unexplained_minutes,
    missing_state,
    state,
    case state
        when 'not_installed' then 'no_placement'
        when 'stuck_zero' then 'stuck_at_zero'
        when 'received_late' then 'late_delivery'
        when 'zero_sparse' then 'no_rows_sparse'
        when 'device_offline' then 'rows_missing_in_delivery'
        when 'delivery_missing' then 'no_delivery'
        when 'not_due' then 'not_due'
        when 'delivery_rejected' then if(missing_state = 'delivery_rejected', 'file_unreadable', 'rows_rejected')
        else ''
    end as reason,
    coalesce(feed, '') as feed,
    is_ambiguous_local
from judged
order by business_date, source, device_id, line_id, hour_start_at
