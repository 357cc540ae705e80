-- Every hour in which a counter hangs somewhere is in the mart once, with its expected minutes; and nothing else claims
-- to be installed.
with installed as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        hour_start_at,
        bit_count(expected_mask) as expected_minutes
    from {{ ref('int_traffic__installed_hours') }}
    where {{ in_days_of_run('business_date', affected_days()) }}
),

shown as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        hour_start_at,
        expected_minutes
    from {{ ref('fct_counter_traffic_hourly') }}
    where branch_code is not null and {{ in_days_of_run('business_date', affected_days()) }}
)

select
    coalesce(installed.source, shown.source) as source,
    coalesce(installed.device_id, shown.device_id) as device_id,
    coalesce(installed.hour_start_at, shown.hour_start_at) as hour_start_at,
    installed.expected_minutes,
    shown.expected_minutes as shown_expected_minutes
from installed
full outer join shown
    on
        installed.source = shown.source
        and installed.device_id = shown.device_id
        and installed.line_id = shown.line_id
        and installed.branch_code = shown.branch_code
        and installed.placement = shown.placement
        and installed.hour_start_at = shown.hour_start_at
where installed.expected_minutes is distinct from shown.expected_minutes
