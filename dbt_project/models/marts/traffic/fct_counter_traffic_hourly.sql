{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_hours as (
    select * from {{ ref('int_trust__counter_hour_states') }}
    where {{ only_days('business_date', affected_days()) }}
),

estimates as (
    select
        *,
        {{ interval_margin('(expected_count * dispersion)', '(expected_count * day_deviation)') }}
            as margin
    from {{ ref('int_estimate__counter_hours') }}
    where {{ only_days('business_date', affected_days()) }}
)

select
    counter_hours.source,
    counter_hours.device_id,
    counter_hours.line_id,
    counter_hours.branch_code,
    counter_hours.placement,
    counter_hours.hour_start_at,
    counter_hours.hour_local,
    counter_hours.business_date,
    counter_hours.entry_count,
    counter_hours.exit_count,
    counter_hours.staff_count,
    counter_hours.open_entry_count,
    counter_hours.open_exit_count,
    counter_hours.expected_minutes,
    counter_hours.received_minutes,
    counter_hours.usable_minutes,
    counter_hours.state,
    counter_hours.reason,
    counter_hours.feed,
    counter_hours.is_ambiguous_local,
    round(case when estimates.lost_minutes > 0 then estimates.lost_count end, 1)::double as entry_count_estimated,
    round(estimates.expected_count, 3)::double as entry_count_expected,
    round(greatest(estimates.expected_count - estimates.margin, 0))::bigint as entry_count_expected_low,
    round(estimates.expected_count + estimates.margin)::bigint as entry_count_expected_high,
    round(estimates.dispersion, 6)::double as expected_dispersion,
    round(estimates.day_deviation, 6)::double as expected_day_deviation
from counter_hours
left join estimates
    on
        counter_hours.source = estimates.source
        and counter_hours.device_id = estimates.device_id
        and counter_hours.line_id = estimates.line_id
        and counter_hours.branch_code = estimates.branch_code
        and counter_hours.hour_start_at = estimates.hour_start_at
        and counter_hours.placement = 'entrance'
order by
    counter_hours.business_date,
    counter_hours.source,
    counter_hours.device_id,
    counter_hours.line_id,
    counter_hours.hour_start_at
