{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with hours as (
    select * from {{ ref('fct_branch_traffic_hourly') }}
    where {{ only_days('business_date', affected_days()) }}
),

counter_days as (
    select * from {{ ref('int_traffic__counter_days') }}
    where
        placement = 'entrance'
        and expected_minutes > 0
        and {{ only_days('business_date', affected_days()) }}
),

-- People of suspect hours are left out of the day as they are of the hour.
excluded_days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        sum(open_entry_count) as entry_count,
        sum(open_exit_count) as exit_count
    from {{ ref('int_trust__counter_hour_states') }}
    where placement = 'entrance' and is_count_excluded and {{ only_days('business_date', affected_days()) }}
    group by source, device_id, line_id, branch_code, business_date
),

entrance_days as (
    select
        counter_days.branch_code,
        counter_days.business_date,
        case
            when bool_and(counter_days.received_minutes = 0 or counter_days.open_entry_count is not null)
                then sum(counter_days.open_entry_count - coalesce(excluded_days.entry_count, 0))
        end as counted_entries,
        case
            when bool_and(counter_days.received_minutes = 0 or counter_days.open_exit_count is not null)
                then sum(counter_days.open_exit_count - coalesce(excluded_days.exit_count, 0))
        end as counted_exits
    from counter_days
    left join excluded_days
        on
            counter_days.source = excluded_days.source
            and counter_days.device_id = excluded_days.device_id
            and counter_days.line_id = excluded_days.line_id
            and counter_days.branch_code = excluded_days.branch_code
            and counter_days.business_date = excluded_days.business_date
    group by counter_days.branch_code, counter_days.business_date
),

lost_days as (
    {{ lost_by('branch_code, business_date') | indent(4) }}
),

branch_days as (
    select
        branch_code,
        business_date,
        sum(expected_minutes)::integer as expected_minutes,
        sum(received_minutes)::integer as received_minutes,
        bool_or(status = 'complete' and not is_verified) as is_sum_of_doors,
        sum(device_offline_minutes)::integer as device_offline_minutes,
        sum(delivery_missing_minutes)::integer as delivery_missing_minutes,
        sum(delivery_rejected_minutes)::integer as delivery_rejected_minutes,
        sum(stuck_zero_minutes)::integer as stuck_zero_minutes,
        sum(stuck_value_minutes)::integer as stuck_value_minutes,
        sum(clock_suspect_minutes)::integer as clock_suspect_minutes,
        sum(not_due_minutes)::integer as not_due_minutes
    from hours
    group by branch_code, business_date
),

judged as (
    select
        branch_days.*,
        entrance_days.counted_entries,
        entrance_days.counted_exits,
        lost_days.lost_count,
        lost_days.lost_noise,
        lost_days.lost_deviation,
        lost_days.is_lost_known,
        {{ branch_status() }} as status
    from branch_days
    left join entrance_days
        on
            branch_days.branch_code = entrance_days.branch_code
            and branch_days.business_date = entrance_days.business_date
    left join lost_days
        on
            branch_days.branch_code = lost_days.branch_code
            and branch_days.business_date = lost_days.business_date
)

select
    branch_code,
    business_date,
    {{ branch_measures() }}
from judged
order by business_date, branch_code
