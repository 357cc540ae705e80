{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with branch_hours as (
    select * from {{ ref('int_time__branch_hours') }}
    where {{ only_days('business_date', touched_days()) }}
),

placements as (
    select * from {{ ref('int_traffic__placements') }}
),

-- Every hour in which a counter hangs somewhere; two placement rows that differ only in validity are one.
installed_hours as (
    select
        placements.source,
        placements.device_id,
        placements.line_id,
        placements.branch_code,
        placements.placement,
        any_value(placements.counter_timezone) as counter_timezone,
        any_value(branch_hours.timezone) as branch_timezone,
        branch_hours.business_date,
        branch_hours.hour_start_at,
        any_value(branch_hours.hour_end_at) as hour_end_at,
        any_value(branch_hours.hour_local) as hour_local,
        bit_or(branch_hours.hour_mask & {{ span_mask(
            'branch_hours.hour_start_at', 'placements.valid_from_at', 'placements.valid_to_at'
        ) }}) as installed_mask,
        any_value(branch_hours.open_mask) as open_mask
    from placements
    inner join branch_hours
        on
            placements.branch_code = branch_hours.branch_code
            and placements.valid_from_at < branch_hours.hour_end_at
            and placements.valid_to_at > branch_hours.hour_start_at
    group by all
)

select
    *,
    installed_mask & open_mask as expected_mask
from installed_hours
order by business_date, source, device_id, line_id, hour_start_at
