{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with intervals as (
    select * from {{ ref('int_traffic__counter_intervals') }}
    where
        branch_code is not null
        and interval_minutes <= 60
        and entry_count + coalesce(exit_count, 0) > 0
        and {{ only_days('business_date', touched_days()) }}
),

-- What counts is what the counter says: a device that stands for several lines is their sum.
counted as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        feed,
        interval_start_at,
        interval_minutes,
        max(interval_end_at) as interval_end_at,
        sum(entry_count)::bigint as entry_count,
        sum(coalesce(exit_count, 0))::bigint as exit_count
    from intervals
    group by
        source, device_id, line_id, branch_code, placement, business_date, feed, interval_start_at, interval_minutes
),

-- Equal neighbours are frequent among small numbers and rare among large ones: each power of two by itself.
compared as (
    select
        *,
        floor(log2(entry_count + exit_count))::integer as magnitude,
        coalesce(lag(interval_end_at) over by_time = interval_start_at, false) as has_neighbour,
        has_neighbour
        and lag(entry_count) over by_time = entry_count
        and lag(exit_count) over by_time = exit_count as is_equal,
        floor(log2(lag(entry_count + exit_count) over by_time))::integer as magnitude_before
    from counted
    window by_time as (
        partition by source, device_id, line_id, branch_code, placement, business_date, feed
        order by interval_start_at, interval_minutes
    )
),

numbered as (
    select
        *,
        count_if(not is_equal) over (
            partition by source, device_id, line_id, branch_code, placement, business_date, feed
            order by interval_start_at, interval_minutes
        ) as run_number
    from compared
),

pairs as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        feed,
        magnitude_before as magnitude,
        count(*)::integer as pair_count,
        count_if(is_equal)::integer as equal_count
    from compared
    where has_neighbour
    group by
        source, device_id, line_id, branch_code, placement, business_date, feed, magnitude_before
),

runs as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        feed,
        magnitude,
        run_number,
        min(interval_start_at) as started_at,
        max(interval_end_at) as ended_at,
        max(interval_minutes)::integer as interval_minutes,
        count(*)::integer as interval_count,
        any_value(entry_count) as entry_count,
        any_value(exit_count) as exit_count
    from numbered
    group by
        source, device_id, line_id, branch_code, placement, business_date, feed, magnitude, run_number
    having count(*) >= 3
),

longest_runs as (
    select * from runs
    qualify row_number() over (
        partition by source, device_id, line_id, branch_code, placement, business_date, feed, magnitude
        order by interval_count desc, run_number asc
    ) = 1
)

select
    pairs.source,
    pairs.device_id,
    pairs.line_id,
    pairs.branch_code,
    pairs.placement,
    pairs.business_date,
    pairs.feed,
    pairs.magnitude,
    pairs.pair_count,
    pairs.equal_count,
    longest_runs.started_at,
    longest_runs.ended_at,
    longest_runs.interval_minutes,
    longest_runs.interval_count,
    longest_runs.entry_count,
    longest_runs.exit_count
from pairs
left join longest_runs
    on
        pairs.source = longest_runs.source
        and pairs.device_id = longest_runs.device_id
        and pairs.line_id = longest_runs.line_id
        and pairs.branch_code = longest_runs.branch_code
        and pairs.placement = longest_runs.placement
        and pairs.business_date = longest_runs.business_date
        and pairs.feed = longest_runs.feed
        and pairs.magnitude = longest_runs.magnitude
order by pairs.business_date, pairs.source, pairs.device_id, pairs.line_id, pairs.feed, pairs.magnitude
