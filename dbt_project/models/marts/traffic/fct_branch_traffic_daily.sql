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

entrance_days as (
    select
        branch_code,
        business_date,
        case
            when bool_and(received_minutes = 0 or open_entry_count is not null) then sum(open_entry_count)
        end as counted_entries,
        case
            when bool_and(received_minutes = 0 or open_exit_count is not null) then sum(open_exit_count)
        end as counted_exits
    from counter_days
    group by branch_code, business_date
),

branch_days as (
    select
        branch_code,
        business_date,
        sum(expected_minutes)::integer as expected_minutes,
        sum(received_minutes)::integer as received_minutes,
        sum(device_offline_minutes)::integer as device_offline_minutes,
        sum(delivery_missing_minutes)::integer as delivery_missing_minutes,
        sum(delivery_rejected_minutes)::integer as delivery_rejected_minutes,
        sum(stuck_zero_minutes)::integer as stuck_zero_minutes,
        sum(not_due_minutes)::integer as not_due_minutes
    from hours
    group by branch_code, business_date
),

judged as (
    select
        branch_days.*,
        entrance_days.counted_entries,
        entrance_days.counted_exits,
        {{ branch_status() }} as status
    from branch_days
    left join entrance_days
        on
            branch_days.branch_code = entrance_days.branch_code
            and branch_days.business_date = entrance_days.business_date
)

select
    branch_code,
    business_date,
    {{ branch_measures() }}
from judged
order by business_date, branch_code
