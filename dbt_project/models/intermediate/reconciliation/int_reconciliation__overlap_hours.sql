{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with branch_hours as (
    {{ indexed_hours(touched_days()) | indent(4) }}
),

feed_hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        hour_start_at,
        feed,
        precedence,
        row_count,
        entry_count,
        covered_mask
    from {{ ref('int_traffic__feed_hours') }}
    where placement = 'entrance' and {{ only_days('business_date', touched_days()) }}
),

counter_hours as (
    select * from {{ ref('int_traffic__counter_hours') }}
    where placement = 'entrance' and {{ only_days('business_date', touched_days()) }}
),

intervals as (
    select * from {{ ref('int_traffic__counter_intervals') }}
    where placement = 'entrance' and {{ only_days('business_date', touched_days()) }}
),

-- Feeds that told of a counter that day; of a pair, the preferred one is a. Without any count by hours it is daily.
feed_days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        feed,
        bool_and(entry_count is null) as is_daily,
        row_number() over (
            partition by source, device_id, line_id, branch_code, business_date
            order by any_value(precedence) asc nulls last, feed asc
        ) as feed_rank
    from feed_hours
    where row_count > 0
    group by source, device_id, line_id, branch_code, business_date, feed
),

pairs as (
    select
        preferred.source,
        preferred.device_id,
        preferred.line_id,
        preferred.branch_code,
        preferred.business_date,
        preferred.feed as feed_a,
        other.feed as feed_b,
        preferred.is_daily or other.is_daily as is_daily,
        hash(
            preferred.source,
            preferred.device_id,
            preferred.line_id,
            preferred.branch_code,
            preferred.business_date,
            preferred.feed,
            other.feed
        ) as unit_key
    from feed_days as preferred
    inner join feed_days as other
        on
            preferred.source = other.source
            and preferred.device_id = other.device_id
            and preferred.line_id = other.line_id
            and preferred.branch_code = other.branch_code
            and preferred.business_date = other.business_date
            and preferred.feed_rank < other.feed_rank
),

sides as (
    select
        *,
        true as is_a,
        feed_a as feed,
        feed_b as other_feed
    from pairs
    union all
    select
        *,
        false as is_a,
        feed_b as feed,
        feed_a as other_feed
    from pairs
),

side_intervals as (
    select
        sides.*,
        intervals.hour_start_at,
        intervals.interval_start_at,
        intervals.interval_end_at,
        intervals.interval_minutes > 60 as is_long,
        intervals.entry_count,
        intervals.staff_count
    from sides
    inner join intervals
        on
            sides.source = intervals.source
            and sides.device_id = intervals.device_id
            and sides.line_id = intervals.line_id
            and sides.branch_code = intervals.branch_code
            and sides.business_date = intervals.business_date
            and sides.feed = intervals.feed
),

clock_hours as (
    select
        side_intervals.unit_key,
        branch_hours.hour_index,
        branch_hours.hour_count,
        coalesce(sum(side_intervals.entry_count) filter (where side_intervals.is_a), 0)::double as value_a,
        coalesce(sum(side_intervals.entry_count) filter (where not side_intervals.is_a), 0)::double as value_b
    from side_intervals
    inner join branch_hours
        on
            side_intervals.branch_code = branch_hours.branch_code
            and side_intervals.hour_start_at = branch_hours.hour_start_at
    where not side_intervals.is_daily
    group by side_intervals.unit_key, branch_hours.hour_index, branch_hours.hour_count
),

{{ clock_shifts() }},

-- Intervals by hour, on a's clock. A longer one is spread over the open minutes that it spans.
hourly_pieces as (
    select
        side_intervals.*,
        coalesce(clock_shifts.shift_hours, 0) as shift_hours,
        branch_hours.hour_count,
        if(
            side_intervals.is_a,
            branch_hours.hour_index,
            {{ aligned_hour(
                'branch_hours.hour_index', 'coalesce(clock_shifts.shift_hours, 0)', 'branch_hours.hour_count'
            ) }}
        ) as hour_index,
        {{ span_mask(
            'side_intervals.hour_start_at', 'side_intervals.interval_start_at', 'side_intervals.interval_end_at'
        ) }} as mask,
        1::double as weight
    from side_intervals
    inner join branch_hours
        on
            side_intervals.branch_code = branch_hours.branch_code
            and side_intervals.hour_start_at = branch_hours.hour_start_at
    left join clock_shifts on side_intervals.unit_key = clock_shifts.unit_key
    where not side_intervals.is_long
    union all by name
    select
        side_intervals.*,
        0 as shift_hours,
        branch_hours.hour_count,
        branch_hours.hour_index,
        {{ span_mask(
            'branch_hours.hour_start_at', 'side_intervals.interval_start_at', 'side_intervals.interval_end_at'
        ) }} as mask,
        coalesce(
            bit_count(mask & branch_hours.open_mask)
            / nullif(sum(bit_count(mask & branch_hours.open_mask)) over by_interval, 0),
            bit_count(mask) / sum(bit_count(mask)) over by_interval
        ) as weight
    from side_intervals
    inner join branch_hours
        on
            side_intervals.branch_code = branch_hours.branch_code
            and side_intervals.business_date = branch_hours.business_date
            and side_intervals.interval_start_at < branch_hours.hour_end_at
            and side_intervals.interval_end_at > branch_hours.hour_start_at
    where side_intervals.is_long
    window by_interval as (
        partition by side_intervals.unit_key, side_intervals.is_a, side_intervals.interval_start_at
    )
),

-- What the other feed says of the same minutes, and whether they are open.
compared_pieces as (
    select
        hourly_pieces.* replace (local_hours.hour_start_at as hour_start_at),
        hourly_pieces.entry_count * hourly_pieces.weight as people,
        hourly_pieces.staff_count * hourly_pieces.weight as staff,
        bit_count(hourly_pieces.mask & ~coalesce(others.covered_mask, 0)) / bit_count(hourly_pieces.mask)
            as uncovered_share,
        hourly_pieces.mask & local_hours.open_mask <> 0 as is_open
    from hourly_pieces
    inner join branch_hours as local_hours
        on
            hourly_pieces.branch_code = local_hours.branch_code
            and hourly_pieces.business_date = local_hours.business_date
            and hourly_pieces.hour_index = local_hours.hour_index
    inner join branch_hours as other_hours
        on
            hourly_pieces.branch_code = other_hours.branch_code
            and hourly_pieces.business_date = other_hours.business_date
            and other_hours.hour_index = if(
                hourly_pieces.is_a,
                {{ unaligned_hour('hourly_pieces.hour_index', 'hourly_pieces.shift_hours', 'hourly_pieces.hour_count') }},
                hourly_pieces.hour_index
            )
    left join feed_hours as others
        on
            hourly_pieces.source = others.source
            and hourly_pieces.device_id = others.device_id
            and hourly_pieces.line_id = others.line_id
            and hourly_pieces.branch_code = others.branch_code
            and hourly_pieces.other_feed = others.feed
            and other_hours.hour_start_at = others.hour_start_at
    where hourly_pieces.mask <> 0
),

-- People of minutes that only this side has are coverage in open minutes, out of hours otherwise.
summed as (
    select
        unit_key,
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        feed_a,
        feed_b,
        shift_hours,
        hour_index + shift_hours not between 0 and hour_count - 1 as is_wrapped,
        if(is_daily, null, hour_start_at) as hour_start_at,
        sum(if(is_a, people, 0)) as people_a,
        sum(if(is_a, 0, people)) as people_b,
        round(sum(if(is_open and is_a, people * uncovered_share, 0))) as only_a,
        round(sum(if(is_open and not is_a, people * uncovered_share, 0))) as only_b,
        round(sum(if(not is_open and is_a, people * uncovered_share, 0))) as only_out_a,
        round(sum(if(not is_open and not is_a, people * uncovered_share, 0))) as only_out_b,
        sum(if(not is_open and is_a, people * (1 - uncovered_share), 0)) as out_a,
        sum(if(not is_open and not is_a, people * (1 - uncovered_share), 0)) as out_b,
        sum(if(is_a and is_open, staff * (1 - uncovered_share), 0)) as staff_a,
        sum(if(not is_a and is_open, staff * (1 - uncovered_share), 0)) as staff_b
    from compared_pieces
    group by all
),

-- One side leaves people out of hours out altogether: then they are no difference in counting.
filtered as (
    select
        *,
        (sum(if(is_wrapped, 0, out_a)) over by_unit > 0) <> (sum(if(is_wrapped, 0, out_b)) over by_unit > 0)
            as is_filtered
    from summed
    window by_unit as (partition by unit_key)
),

counter_days as (
    select distinct
        source,
        device_id,
        line_id,
        branch_code,
        business_date
    from pairs
),

standing_feeds as (
    select
        counter_hours.source,
        counter_hours.device_id,
        counter_hours.line_id,
        counter_hours.branch_code,
        counter_hours.business_date,
        if(min(counter_hours.feed) = max(counter_hours.feed), min(counter_hours.feed), 'mixed') as feed_of_record
    from counter_hours
    inner join counter_days
        on
            counter_hours.source = counter_days.source
            and counter_hours.device_id = counter_days.device_id
            and counter_hours.line_id = counter_days.line_id
            and counter_hours.branch_code = counter_days.branch_code
            and counter_hours.business_date = counter_days.business_date
    where counter_hours.received_mask <> 0
    group by all
),

-- Where the shifted clock leads into the day before or after, other people stand: that difference is the clock's.
parted as (
    select
        *,
        if(is_wrapped, round(people_a) - round(people_b), 0) as difference_clock,
        if(is_wrapped, 0, only_a - only_b) as difference_coverage,
        case
            when is_wrapped then 0
            else only_out_a - only_out_b + if(is_filtered, round(out_a) - round(out_b), 0)
        end as difference_out_of_hours,
        case
            when is_wrapped then 0
            else round(people_a) - only_a - only_out_a - if(is_filtered, round(out_a), 0)
        end as comparable_a,
        case
            when is_wrapped then 0
            else round(people_b) - only_b - only_out_b - if(is_filtered, round(out_b), 0)
        end as comparable_b
    from filtered
)

select
    'overlap' as kind,
    'entry_count' as measure,
    parted.branch_code,
    parted.business_date,
    parted.feed_a,
    parted.feed_b,
    concat_ws('/', parted.source, parted.device_id, nullif(parted.line_id, '')) as unit,
    coalesce(parted.hour_start_at, first_hours.hour_start_at) as hour_start_at,
    round(parted.people_a)::decimal(18, 2) as value_a,
    round(parted.people_b)::decimal(18, 2) as value_b,
    parted.difference_clock::decimal(18, 2) as difference_clock,
    parted.difference_coverage::decimal(18, 2) as difference_coverage,
    parted.difference_out_of_hours::decimal(18, 2) as difference_out_of_hours,
    parted.comparable_a::decimal(18, 2) as comparable_a,
    parted.comparable_b::decimal(18, 2) as comparable_b,
    round(greatest(coalesce(parted.staff_a, 0), coalesce(parted.staff_b, 0)))::decimal(18, 2) as staff_count,
    not parted.is_wrapped as is_comparable,
    parted.shift_hours::integer as clock_shift_hours,
    coalesce(standing_feeds.feed_of_record, '') as feed_of_record
from parted
inner join branch_hours as first_hours
    on
        parted.branch_code = first_hours.branch_code
        and parted.business_date = first_hours.business_date
        and first_hours.hour_index = 0
left join standing_feeds
    on
        parted.source = standing_feeds.source
        and parted.device_id = standing_feeds.device_id
        and parted.line_id = standing_feeds.line_id
        and parted.branch_code = standing_feeds.branch_code
        and parted.business_date = standing_feeds.business_date
order by
    parted.business_date,
    parted.branch_code,
    unit,
    parted.feed_a,
    parted.feed_b,
    coalesce(parted.hour_start_at, first_hours.hour_start_at)
