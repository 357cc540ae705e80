{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with counts as (
    select * from {{ ref('stg_files__counts') }}
    where {{ only_days('_business_date', touched_days()) }}
),

intervals as (
    select * from {{ ref('int_traffic__counter_intervals') }}
    where branch_code is not null and {{ only_days('business_date', touched_days()) }}
),

followed as (
    select
        source,
        feed,
        device_id,
        line_id,
        _delivery_id,
        interval_start_local,
        _row_number,
        interval_minutes,
        date_diff('minute', lag(interval_start_local) over by_line, interval_start_local) as minutes_on
    from counts
    window by_line as (
        partition by source, feed, _delivery_id, device_id, line_id, _business_date
        order by _row_number
    )
),

-- A file that runs backwards, or shuffled, is how that vendor writes; one step back among many forward is the clock.
stepped as (
    select
        source,
        feed,
        device_id,
        line_id,
        _delivery_id,
        interval_start_local::date as local_date,
        count_if(minutes_on < 0)::integer as step_count,
        max(interval_minutes - minutes_on)::integer as step_minutes,
        min(_row_number) filter (where minutes_on < 0) as row_number
    from followed
    group by all
    having count_if(minutes_on < 0) > 0 and count_if(minutes_on > 0) >= 20 * count_if(minutes_on < 0)
),

standing as (
    select
        intervals.source,
        intervals.device_id,
        intervals.line_id,
        intervals.branch_code,
        intervals.placement,
        intervals.business_date,
        intervals.feed,
        intervals.delivery_id,
        stepped.row_number,
        max(stepped.step_count) as step_count,
        max(stepped.step_minutes) as step_minutes,
        count(distinct epoch(intervals.interval_start_local) - epoch(intervals.interval_start_at)) > 1 as is_changing
    from stepped
    inner join intervals
        on
            stepped.source = intervals.source
            and stepped.feed = intervals.feed
            and stepped.device_id = intervals.device_id
            and stepped.line_id = intervals.row_line_id
            and stepped._delivery_id = intervals.delivery_id
            and stepped.local_date = intervals.interval_start_local::date
    group by all
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    feed,
    delivery_id,
    row_number,
    step_count,
    step_minutes
from standing
where not is_changing or step_minutes > 60
order by business_date, source, device_id, line_id, delivery_id, row_number
