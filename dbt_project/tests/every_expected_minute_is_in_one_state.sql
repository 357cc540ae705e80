-- Spans of a counter's day do not overlap, and together they are its expected minutes: no minute twice, none forgotten.
with spans as (
    select
        *,
        lead(started_at) over (
            partition by source, device_id, line_id, branch_code, placement, business_date
            order by started_at
        ) as next_started_at
    from {{ ref('fct_counter_state') }}
    where branch_code is not null and {{ in_days_of_run('business_date', affected_days()) }}
),

told as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        coalesce(sum(minutes) filter (where state <> 'closed'), 0) as minutes,
        coalesce(sum(minutes) filter (where state in ('received', 'received_late', 'zero_sparse')), 0) as usable_minutes,
        count(*) filter (where next_started_at < ended_at) as overlap_count
    from spans
    group by all
),

expected as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        sum(expected_minutes) as minutes,
        sum(usable_minutes) as usable_minutes
    from {{ ref('fct_counter_traffic_hourly') }}
    where branch_code is not null and {{ in_days_of_run('business_date', affected_days()) }}
    group by all
)

select expected.*
from expected
left join told
    on
        expected.source = told.source
        and expected.device_id = told.device_id
        and expected.line_id = told.line_id
        and expected.branch_code = told.branch_code
        and expected.placement = told.placement
        and expected.business_date = told.business_date
where
    told.overlap_count > 0
    or expected.minutes is distinct from told.minutes
    or expected.usable_minutes is distinct from told.usable_minutes
