-- The deliveries named for a day hold every person that its hours hold, feed by feed.
with long_feeds as (
    select feed
    from {{ ref('stg_ledger__feeds') }}
    where grain_minutes > 60
),

lineage as (
    select
        business_date,
        feed,
        sum(entry_count) as entry_count,
        sum(exit_count) as exit_count
    from {{ ref('fct_counter_lineage') }}
    where
        feed not in (select long_feeds.feed from long_feeds)
        and {{ in_days_of_run('business_date', touched_days()) }}
    group by business_date, feed
),

hours as (
    select
        business_date,
        feed,
        sum(entry_count) as entry_count,
        sum(exit_count) as exit_count
    from {{ ref('int_traffic__counter_hours') }}
    where
        row_count > 0
        and feed not in (select long_feeds.feed from long_feeds)
        and {{ in_days_of_run('business_date', touched_days()) }}
    group by business_date, feed
)

select
    coalesce(lineage.business_date, hours.business_date) as business_date,
    coalesce(lineage.feed, hours.feed) as feed,
    lineage.entry_count,
    hours.entry_count as hourly_entry_count
from lineage
full join hours
    on
        lineage.business_date = hours.business_date
        and lineage.feed = hours.feed
where
    lineage.entry_count is distinct from hours.entry_count
    or lineage.exit_count is distinct from hours.exit_count
