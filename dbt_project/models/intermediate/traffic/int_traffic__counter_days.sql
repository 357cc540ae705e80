{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with counter_hours as (
    select * from {{ ref('int_traffic__counter_hours') }}
    where {{ only_days('business_date', touched_days()) }}
),

-- Intervals longer than an hour count only here.
long_intervals as (
    select * from {{ ref('int_traffic__counter_intervals') }}
    where interval_minutes > 60 and {{ only_days('business_date', touched_days()) }}
),

hourly as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        count(*) as hours,
        max(living_mask) <> 0 as is_alive,
        sum(bit_count(expected_mask))::integer as expected_minutes,
        sum(bit_count(received_mask))::integer as received_minutes,
        coalesce(sum(bit_count(received_mask)) filter (where entry_count is not null), 0)::integer as counted_minutes,
        sum(entry_count)::bigint as entry_count,
        sum(exit_count)::bigint as exit_count,
        sum(staff_count)::bigint as staff_count,
        sum(open_entry_count)::bigint as open_entry_count,
        sum(open_exit_count)::bigint as open_exit_count
    from counter_hours
    group by all
),

long_covers as (
    select
        long_intervals.source,
        long_intervals.device_id,
        long_intervals.line_id,
        long_intervals.branch_code,
        long_intervals.placement,
        long_intervals.business_date,
        long_intervals.feed,
        long_intervals.interval_start_at,
        any_value(long_intervals.entry_count) as entry_count,
        any_value(long_intervals.exit_count) as exit_count,
        any_value(long_intervals.staff_count) as staff_count,
        sum(bit_count(counter_hours.expected_mask & {{ span_mask(
            'counter_hours.hour_start_at', 'long_intervals.interval_start_at', 'long_intervals.interval_end_at'
        ) }}))::integer as covered_minutes
    from long_intervals
    inner join counter_hours
        on
            long_intervals.source = counter_hours.source
            and long_intervals.device_id = counter_hours.device_id
            and long_intervals.line_id = counter_hours.line_id
            and long_intervals.branch_code is not distinct from counter_hours.branch_code
            and long_intervals.placement is not distinct from counter_hours.placement
            and long_intervals.business_date = counter_hours.business_date
    group by
        long_intervals.source,
        long_intervals.device_id,
        long_intervals.line_id,
        long_intervals.branch_code,
        long_intervals.placement,
        long_intervals.business_date,
        long_intervals.feed,
        long_intervals.row_line_id,
        long_intervals.interval_start_at
),

long_days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        feed,
        sum(covered_minutes)::integer as counted_minutes,
        sum(entry_count)::bigint as entry_count,
        sum(exit_count)::bigint as exit_count,
        sum(staff_count)::bigint as staff_count,
        sum(entry_count) filter (where covered_minutes > 0)::bigint as open_entry_count,
        sum(exit_count) filter (where covered_minutes > 0)::bigint as open_exit_count
    from long_covers
    group by source, device_id, line_id, branch_code, placement, business_date, feed
    qualify row_number() over (
        partition by source, device_id, line_id, branch_code, placement, business_date
        order by sum(covered_minutes) desc, feed
    ) = 1
),

compared as (
    select
        hourly.*,
        coalesce(
            long_days.counted_minutes > hourly.counted_minutes
            or (hourly.entry_count is null and long_days.feed is not null),
            false
        ) as is_long,
        long_days.entry_count as long_entry_count,
        long_days.exit_count as long_exit_count,
        long_days.staff_count as long_staff_count,
        long_days.open_entry_count as long_open_entry_count,
        long_days.open_exit_count as long_open_exit_count
    from hourly
    left join long_days
        on
            hourly.source = long_days.source
            and hourly.device_id = long_days.device_id
            and hourly.line_id = long_days.line_id
            and hourly.branch_code is not distinct from long_days.branch_code
            and hourly.placement is not distinct from long_days.placement
            and hourly.business_date = long_days.business_date
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    case when is_long then long_entry_count else entry_count end as entry_count,
    case when is_long then long_exit_count else exit_count end as exit_count,
    case when is_long then long_staff_count else staff_count end as staff_count,
    case when is_long then long_open_entry_count else open_entry_count end as open_entry_count,
    case when is_long then long_open_exit_count else open_exit_count end as open_exit_count,
    expected_minutes,
    received_minutes,
    is_alive
from compared
order by business_date, source, device_id, line_id
