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
        if(missing_state = 'not_due', unexplained_minutes, 0) as not_due_minutes
    from {{ ref('int_trust__counter_hour_states') }}
    where
        placement = 'entrance'
        and expected_minutes > 0
        and {{ only_days('business_date', affected_days()) }}
),

expected_hours as (
    select * from {{ ref('int_estimate__expected_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

spread_days as (
    select * from {{ ref('int_estimate__spread_days') }}
    where {{ only_days('business_date', affected_days()) }}
),

lost as (
    select
        counter_hours.*,
        expected_hours.expected_count,
        spread_days.dispersion,
        spread_days.day_deviation,
        counter_hours.expected_minutes - counter_hours.usable_minutes - counter_hours.not_due_minutes as lost_minutes
    from counter_hours
    left join expected_hours
        on
            counter_hours.source = expected_hours.source
            and counter_hours.device_id = expected_hours.device_id
            and counter_hours.line_id = expected_hours.line_id
            and counter_hours.branch_code = expected_hours.branch_code
            and counter_hours.hour_start_at = expected_hours.hour_start_at
    left join spread_days
        on
            counter_hours.source = spread_days.source
            and counter_hours.device_id = spread_days.device_id
            and counter_hours.line_id = spread_days.line_id
            and counter_hours.branch_code = spread_days.branch_code
            and counter_hours.business_date = spread_days.business_date
)

select
    source,
    device_id,
    line_id,
    branch_code,
    business_date,
    hour_start_at,
    expected_minutes,
    expected_count,
    dispersion,
    day_deviation,
    lost_minutes,
    not_due_minutes,
    {{ exact('expected_count::double * lost_minutes / expected_minutes') }} as lost_count,
    {{ exact('expected_count::double * lost_minutes / expected_minutes * dispersion::double') }} as lost_noise,
    {{ exact('expected_count::double * lost_minutes / expected_minutes * day_deviation::double') }} as lost_deviation
from lost
where expected_count is not null or lost_minutes > 0 or not_due_minutes > 0
order by business_date, source, device_id, line_id, hour_start_at
