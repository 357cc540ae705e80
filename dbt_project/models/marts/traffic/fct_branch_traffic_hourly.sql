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

-- Suspect minutes were delivered, but they tell nothing: they are not received here, and their people are left out.
entrance_hours as (
    select
        branch_code,
        hour_start_at,
        sum(expected_minutes)::integer as expected_minutes,
        sum(usable_minutes)::integer as received_minutes,
        case
            when bool_and(received_minutes = 0 or open_entry_count is not null)
                then coalesce(sum(open_entry_count) filter (where not is_count_excluded), 0)
        end as counted_entries,
        case
            when bool_and(received_minutes = 0 or open_exit_count is not null)
                then coalesce(sum(open_exit_count) filter (where not is_count_excluded), 0)
        end as counted_exits,
        bool_or(is_sum_of_doors) as is_sum_of_doors,
        sum(if(missing_state = 'device_offline', unexplained_minutes, 0))::integer as device_offline_minutes,
        sum(if(missing_state = 'delivery_missing', unexplained_minutes, 0))::integer as delivery_missing_minutes,
        sum(rejected_minutes)::integer as delivery_rejected_minutes,
        sum(if(suspect_state = 'stuck_zero', suspect_minutes, 0))::integer as stuck_zero_minutes,
        sum(if(suspect_state = 'stuck_value', suspect_minutes, 0))::integer as stuck_value_minutes,
        sum(if(suspect_state = 'clock_suspect', suspect_minutes, 0))::integer as clock_suspect_minutes,
        sum(if(missing_state = 'not_due', unexplained_minutes, 0))::integer as not_due_minutes
    from counter_hours
    group by branch_code, hour_start_at
),

lost_hours as (
    {{ lost_by('branch_code, hour_start_at') | indent(4) }}
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
        coalesce(entrance_hours.is_sum_of_doors, false) as is_sum_of_doors,
        coalesce(entrance_hours.device_offline_minutes, 0) as device_offline_minutes,
        coalesce(entrance_hours.delivery_missing_minutes, 0) as delivery_missing_minutes,
        coalesce(entrance_hours.delivery_rejected_minutes, 0) as delivery_rejected_minutes,
        coalesce(entrance_hours.stuck_zero_minutes, 0) as stuck_zero_minutes,
        coalesce(entrance_hours.stuck_value_minutes, 0) as stuck_value_minutes,
        coalesce(entrance_hours.clock_suspect_minutes, 0) as clock_suspect_minutes,
        coalesce(entrance_hours.not_due_minutes, 0) as not_due_minutes,
        lost_hours.lost_count,
        lost_hours.lost_noise,
        lost_hours.lost_deviation,
        lost_hours.is_lost_known
    from branch_hours
    left join entrance_hours
        on
            branch_hours.branch_code = entrance_hours.branch_code
            and branch_hours.hour_start_at = entrance_hours.hour_start_at
    left join lost_hours
        on
            branch_hours.branch_code = lost_hours.branch_code
            and branch_hours.hour_start_at = lost_hours.hour_start_at
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
