{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with intervals as (
    select
        *,
        {{ minutes_between('hour_start_at', 'interval_start_at') }} // 15 as first_quarter,
        ({{ minutes_between('hour_start_at', 'interval_end_at') }} - 1) // 15 as last_quarter
    from {{ ref('int_traffic__counter_intervals') }}
    where placement in ('entrance', 'inner') and {{ only_days('business_date', touched_days()) }}
),

-- Of two feeds that tell of one hour, the one whose figures stand.
recorded_hours as (
    select * from {{ ref('int_traffic__counter_hours') }}
    where feed is not null and {{ only_days('business_date', touched_days()) }}
),

standing as (
    select intervals.*
    from intervals
    inner join recorded_hours
        on
            intervals.source = recorded_hours.source
            and intervals.device_id = recorded_hours.device_id
            and intervals.line_id = recorded_hours.line_id
            and intervals.branch_code = recorded_hours.branch_code
            and intervals.placement = recorded_hours.placement
            and intervals.hour_start_at = recorded_hours.hour_start_at
            and intervals.feed = recorded_hours.feed
),

-- People are known to be in by the end of their interval; inside it nothing is known.
ended as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        hour_start_at + to_hours((last_quarter // 4)::integer) as hour_start_at,
        hour_start_at + to_minutes((15 * last_quarter)::integer) as quarter_start_at,
        interval_minutes,
        entry_count,
        exit_count,
        false as is_within_interval
    from standing
    union all by name
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        unnest(range(first_quarter, last_quarter)) as quarter,
        hour_start_at + to_hours((quarter // 4)::integer) as hour_start_at,
        hour_start_at + to_minutes((15 * quarter)::integer) as quarter_start_at,
        interval_minutes,
        true as is_within_interval
    from standing
    where first_quarter < last_quarter
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    hour_start_at,
    quarter_start_at,
    max(interval_minutes)::integer as grain_minutes,
    coalesce(sum(entry_count), 0)::bigint as entry_count,
    coalesce(sum(exit_count), 0)::bigint as exit_count,
    bool_and(is_within_interval or exit_count is not null) as has_exits,
    bool_or(is_within_interval) as is_within_interval
from ended
group by source, device_id, line_id, branch_code, placement, business_date, hour_start_at, quarter_start_at
order by business_date, source, device_id, line_id, quarter_start_at
