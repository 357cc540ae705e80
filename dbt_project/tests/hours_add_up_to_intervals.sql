-- What was measured in intervals of up to an hour is in the hours of its feed, person for person.
with intervals as (
    select
        business_date,
        feed,
        sum(entry_count) as entry_count,
        sum(exit_count) as exit_count
    from {{ ref('int_traffic__counter_intervals') }}
    where interval_minutes <= 60 and {{ in_days_of_run('business_date', touched_days()) }}
    group by business_date, feed
),

hours as (
    select
        business_date,
        feed,
        sum(entry_count) as entry_count,
        sum(exit_count) as exit_count
    from {{ ref('int_traffic__feed_hours') }}
    where {{ in_days_of_run('business_date', touched_days()) }}
    group by business_date, feed
)

select
    intervals.business_date,
    intervals.feed,
    intervals.entry_count,
    hours.entry_count as hourly_entry_count
from intervals
left join hours
    on
        intervals.business_date = hours.business_date
        and intervals.feed = hours.feed
where
    intervals.entry_count is distinct from hours.entry_count
    or intervals.exit_count is distinct from hours.exit_count
