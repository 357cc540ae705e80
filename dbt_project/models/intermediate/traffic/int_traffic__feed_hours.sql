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
        {{ minutes_between('hour_start_at', 'interval_start_at') }} as from_minute,
        {{ minutes_between('hour_start_at', 'interval_end_at') }} as until_minute
    from {{ ref('int_traffic__counter_intervals') }}
    where {{ only_days('business_date', touched_days()) }}
),

expected_hours as (
    select * from {{ ref('int_traffic__installed_hours') }}
    where {{ only_days('business_date', touched_days()) }}
),

feeds as (
    select * from {{ ref('stg_ledger__feeds') }}
),

deliveries as (
    select * from {{ ref('stg_ledger__deliveries') }}
    where {{ only_days('business_date', touched_days()) }}
),

-- Intervals inside one hour are the rule and are summed as they are. Without a branch there are no hours to cover.
within_hours as (
    select
        intervals.*,
        coalesce(expected_hours.expected_mask, 0) as expected_mask,
        {{ minute_mask('intervals.from_minute', 'intervals.until_minute') }} as mask
    from intervals
    left join expected_hours
        on
            intervals.source = expected_hours.source
            and intervals.device_id = expected_hours.device_id
            and intervals.line_id = expected_hours.line_id
            and intervals.branch_code = expected_hours.branch_code
            and intervals.placement = expected_hours.placement
            and intervals.hour_start_at = expected_hours.hour_start_at
    where intervals.until_minute <= 60 or intervals.branch_code is null
),

-- Longer ones cover several hours of their day. Up to an hour they count where they start; beyond, only in the day.
across_hours as (
    select
        intervals.* replace (expected_hours.hour_start_at as hour_start_at),
        expected_hours.expected_mask,
        intervals.hour_start_at = expected_hours.hour_start_at as is_first_hour,
        {{ span_mask(
            'expected_hours.hour_start_at', 'intervals.interval_start_at', 'intervals.interval_end_at'
        ) }} as mask
    from intervals
    inner join expected_hours
        on
            intervals.source = expected_hours.source
            and intervals.device_id = expected_hours.device_id
            and intervals.line_id = expected_hours.line_id
            and intervals.branch_code = expected_hours.branch_code
            and intervals.placement = expected_hours.placement
            and intervals.business_date = expected_hours.business_date
            and intervals.interval_start_at < expected_hours.hour_end_at
            and intervals.interval_end_at > expected_hours.hour_start_at
    where intervals.until_minute > 60
),

measured as (
    select
        *,
        interval_minutes <= 60 as is_counted_here
    from within_hours
    union all by name
    select
        *,
        interval_minutes <= 60 and is_first_hour as is_counted_here
    from across_hours
),

-- A sparse feed says zero by saying nothing, as far as its newest delivery reaches.
sparse_days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        feed,
        business_date,
        max(delivered_at) as delivered_at,
        bool_or(exit_count is not null) as has_exits
    from intervals
    where not is_dense
    group by all
    union all
    select distinct
        expected_hours.source,
        expected_hours.device_id,
        expected_hours.line_id,
        expected_hours.branch_code,
        expected_hours.placement,
        deliveries.feed,
        deliveries.business_date,
        deliveries.delivered_at,
        false as has_exits
    from deliveries
    inner join feeds on deliveries.feed = feeds.feed and not feeds.is_dense
    inner join expected_hours
        on
            deliveries.source = expected_hours.source
            and deliveries.device_id = expected_hours.device_id
            and deliveries.business_date = expected_hours.business_date
            and deliveries.line_id in ('', expected_hours.line_id)
    where deliveries.state = 'empty'
),

silent_hours as (
    select
        expected_hours.source,
        expected_hours.device_id,
        expected_hours.line_id,
        expected_hours.branch_code,
        expected_hours.placement,
        sparse_days.feed,
        expected_hours.business_date,
        expected_hours.hour_start_at,
        expected_hours.expected_mask,
        max(sparse_days.delivered_at) as delivered_at,
        bool_or(sparse_days.has_exits) as has_exits,
        bit_or(expected_hours.installed_mask & {{ span_mask(
            'expected_hours.hour_start_at', 'expected_hours.hour_start_at', 'sparse_days.delivered_at'
        ) }}) as mask
    from sparse_days
    inner join expected_hours
        on
            sparse_days.source = expected_hours.source
            and sparse_days.device_id = expected_hours.device_id
            and sparse_days.line_id = expected_hours.line_id
            and sparse_days.branch_code = expected_hours.branch_code
            and sparse_days.placement = expected_hours.placement
            and sparse_days.business_date = expected_hours.business_date
    group by all
),

feed_hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        feed,
        business_date,
        hour_start_at,
        count(*) as row_count,
        any_value(expected_mask) as expected_mask,
        bit_or(mask) as covered_mask,
        bit_or(mask) as told_mask,
        coalesce(bit_or(mask) filter (where entry_count > 0 or exit_count > 0), 0) as people_mask,
        sum(entry_count) filter (where is_counted_here)::bigint as entry_count,
        sum(exit_count) filter (where is_counted_here)::bigint as exit_count,
        sum(staff_count) filter (where is_counted_here)::bigint as staff_count,
        sum(entry_count) filter (where is_counted_here and mask & expected_mask <> 0)::bigint as open_entry_count,
        sum(exit_count) filter (where is_counted_here and mask & expected_mask <> 0)::bigint as open_exit_count,
        max(delivered_at) as delivered_at,
        bool_or(is_ambiguous_local) as is_ambiguous_local
    from measured
    group by all
    union all by name
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        feed,
        business_date,
        hour_start_at,
        0 as row_count,
        expected_mask,
        mask as covered_mask,
        0 as told_mask,
        0 as people_mask,
        0 as entry_count,
        case when has_exits then 0 end as exit_count,
        0 as open_entry_count,
        case when has_exits then 0 end as open_exit_count,
        delivered_at,
        false as is_ambiguous_local
    from silent_hours
    where mask <> 0
)

select
    feed_hours.source,
    feed_hours.device_id,
    feed_hours.line_id,
    feed_hours.branch_code,
    feed_hours.placement,
    feed_hours.feed,
    feed_hours.business_date,
    feed_hours.hour_start_at,
    any_value(feeds.precedence) as precedence,
    any_value(feeds.due_time) as due_time,
    any_value(feeds.due_days_after) as due_days_after,
    sum(feed_hours.row_count)::bigint as row_count,
    any_value(feed_hours.expected_mask) as expected_mask,
    bit_or(feed_hours.covered_mask) as covered_mask,
    bit_or(feed_hours.told_mask) as told_mask,
    bit_or(feed_hours.people_mask) as people_mask,
    sum(feed_hours.entry_count)::bigint as entry_count,
    sum(feed_hours.exit_count)::bigint as exit_count,
    sum(feed_hours.staff_count)::bigint as staff_count,
    sum(feed_hours.open_entry_count)::bigint as open_entry_count,
    sum(feed_hours.open_exit_count)::bigint as open_exit_count,
    max(feed_hours.delivered_at) as delivered_at,
    bool_or(feed_hours.is_ambiguous_local) as is_ambiguous_local
from feed_hours
left join feeds on feed_hours.feed = feeds.feed
group by all
order by feed_hours.business_date, feed_hours.source, feed_hours.device_id, feed_hours.line_id, feed_hours.hour_start_at
