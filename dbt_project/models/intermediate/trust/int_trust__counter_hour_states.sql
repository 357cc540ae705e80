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
        expected_mask & ~received_mask as missing_mask
    from {{ ref('int_traffic__counter_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

suspect_hours as (
    select * from {{ ref('int_trust__suspect_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

feeds as (
    select * from {{ ref('stg_ledger__feeds') }}
),

-- Every expected minute is in exactly one of: missing (refused, or not explained by a refusal), suspect, usable.
masked as (
    select
        counter_hours.*,
        case
            when counter_hours.missing_state = 'delivery_rejected' then counter_hours.missing_mask
            else counter_hours.missing_mask & counter_hours.rejected_mask
        end as refused_mask,
        coalesce(suspect_hours.suspect_mask & counter_hours.received_mask, 0) as suspect_mask,
        suspect_hours.state as suspect_state,
        suspect_hours.reason as suspect_reason,
        coalesce(feeds.is_sum_of_doors, false) as is_sum_of_doors
    from counter_hours
    left join suspect_hours
        on
            counter_hours.source = suspect_hours.source
            and counter_hours.device_id = suspect_hours.device_id
            and counter_hours.line_id = suspect_hours.line_id
            and counter_hours.branch_code = suspect_hours.branch_code
            and counter_hours.placement = suspect_hours.placement
            and counter_hours.hour_start_at = suspect_hours.hour_start_at
    left join feeds on counter_hours.feed = feeds.feed
),

counted as (
    select
        *,
        received_mask & ~suspect_mask as usable_mask,
        bit_count(expected_mask)::integer as expected_minutes,
        bit_count(received_mask)::integer as received_minutes,
        bit_count(suspect_mask)::integer as suspect_minutes,
        bit_count(missing_mask)::integer as missing_minutes,
        bit_count(refused_mask)::integer as rejected_minutes
    from masked
),

judged as (
    select
        *,
        missing_minutes - rejected_minutes as unexplained_minutes,
        case
            when branch_code is null then 'not_installed'
            when expected_minutes = 0 then 'closed'
            when suspect_minutes > missing_minutes then suspect_state
            when missing_minutes = 0 and is_late then 'received_late'
            when missing_minutes = 0 and row_count = 0 then 'zero_sparse'
            when missing_minutes = 0 then 'received'
            when rejected_minutes * 2 >= missing_minutes then 'delivery_rejected'
            else missing_state
        end as state
    from counted
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
    bit_count(usable_mask)::integer as usable_minutes,
    suspect_minutes,
    rejected_minutes,
    unexplained_minutes,
    missing_state,
    if(suspect_minutes > 0, suspect_state, '') as suspect_state,
    if(suspect_minutes > 0, suspect_reason, '') as suspect_reason,
    suspect_minutes > 0 and suspect_state <> 'stuck_zero' as is_count_excluded,
    state,
    {{ minute_reason('state', 'missing_state', 'suspect_reason') }} as reason,
    coalesce(feed, '') as feed,
    is_ambiguous_local,
    is_sum_of_doors,
    is_late,
    installed_mask,
    expected_mask,
    usable_mask,
    usable_mask & silent_mask as silent_mask,
    suspect_mask,
    refused_mask,
    living_mask
from judged
order by business_date, source, device_id, line_id, hour_start_at
