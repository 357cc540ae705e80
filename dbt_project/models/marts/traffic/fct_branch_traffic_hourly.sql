{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with branch_hours as (
    select * from {{ ref('int_time__branch_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

counter_hours as (
    select * from {{ ref('int_trust__counter_hour_states') }}
    where
        placement = 'entrance'
        and expected_minutes > 0
        and {{ only_days('business_date', affected_days()) }}
),

-- A stuck counter delivered its minutes, but they tell nothing: they are not received here.
entrance_hours as (
    select
        branch_code,
        hour_start_at,
        sum(expected_minutes)::integer as expected_minutes,
        sum(case when state <> 'stuck_zero' then received_minutes else 0 end)::integer as received_minutes,
        case
            when bool_and(received_minutes = 0 or open_entry_count is not null) then sum(open_entry_count)
        end as counted_entries,
        case
            when bool_and(received_minutes = 0 or open_exit_count is not null) then sum(open_exit_count)
        end as counted_exits,
        sum(case when missing_state = 'device_offline' then unexplained_minutes else 0 end)::integer
            as device_offline_minutes,
        sum(case when missing_state = 'delivery_missing' then unexplained_minutes else 0 end)::integer
            as delivery_missing_minutes,
        sum(rejected_minutes)::integer as delivery_rejected_minutes,
        sum(case when state = 'stuck_zero' then expected_minutes else 0 end)::integer as stuck_zero_minutes,
        sum(case when missing_state = 'not_due' then unexplained_minutes else 0 end)::integer as not_due_minutes
    from counter_hours
    group by branch_code, hour_start_at
),

summed as (
    select
        branch_hours.branch_code,
        branch_hours.hour_start_at,
        branch_hours.hour_local,
        branch_hours.business_date,
        coalesce(entrance_hours.expected_minutes, 0) as expected_minutes,
        coalesce(entrance_hours.received_minutes, 0) as received_minutes,
        entrance_hours.counted_entries,
        entrance_hours.counted_exits,
        coalesce(entrance_hours.device_offline_minutes, 0) as device_offline_minutes,
        coalesce(entrance_hours.delivery_missing_minutes, 0) as delivery_missing_minutes,
        coalesce(entrance_hours.delivery_rejected_minutes, 0) as delivery_rejected_minutes,
        coalesce(entrance_hours.stuck_zero_minutes, 0) as stuck_zero_minutes,
        coalesce(entrance_hours.not_due_minutes, 0) as not_due_minutes
    from branch_hours
    left join entrance_hours
        on
            branch_hours.branch_code = entrance_hours.branch_code
            and branch_hours.hour_start_at = entrance_hours.hour_start_at
),

judged as (
    select
        *,
        {{ branch_status() }} as status
    from summed
)

select
    branch_code,
    hour_start_at,
    hour_local,
    business_date,
    {{ branch_measures() }}
from judged
order by business_date, branch_code, hour_start_at
