with counted as (
    select
        _source as source,
        _feed as feed,
        business_date as _business_date,
        _delivery_id,
        _row_number,
        _delivered_at,
        _effective_at,
        device_id,
        interval_start_local,
        date_trunc('minute', interval_start_local) as minute_local,
        interval_seconds,
        valuein as entry_count,
        valueout as exit_count,
        timezone,
        is_dense
    from {{ source('footfallcam', 'device') }}
),

-- Seconds are added up to minutes. Rows of one minute stand together, and a repeated hour comes again later: a minute
-- ends where the next row is of another one, so that the passes of a clock change are not added to each other.
numbered as (
    select
        *,
        coalesce(minute_local <> lag(minute_local) over (
            partition by source, feed, _business_date, _delivery_id, device_id
            order by _row_number
        ), true) as is_first_of_minute
    from counted
    where interval_seconds < 60
),

runs as (
    select
        *,
        count(*) filter (where is_first_of_minute) over (
            partition by source, feed, _business_date, _delivery_id, device_id
            order by _row_number
            rows between unbounded preceding and current row
        ) as run
    from numbered
),

minutes as (
    select
        source,
        feed,
        _business_date,
        _delivery_id,
        min(_row_number) as _row_number,
        max(_delivered_at) as _delivered_at,
        max(_effective_at) as _effective_at,
        device_id,
        minute_local as interval_start_local,
        sum(entry_count)::bigint as entry_count,
        sum(exit_count)::bigint as exit_count,
        any_value(timezone) as timezone,
        bool_and(is_dense) as is_dense,
        sum(interval_seconds) as measured_seconds
    from runs
    group by source, feed, _business_date, _delivery_id, device_id, minute_local, run
)

select
    source,
    feed,
    _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    _effective_at,
    device_id,
    '' as line_id,
    interval_start_local,
    (interval_seconds // 60)::integer as interval_minutes,
    entry_count,
    exit_count,
    null::bigint as staff_count,
    timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    is_dense
from counted
where interval_seconds >= 60
union all
-- A minute of which seconds are missing is not a measured minute.
select
    source,
    feed,
    _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    _effective_at,
    device_id,
    '' as line_id,
    interval_start_local,
    1 as interval_minutes,
    entry_count,
    exit_count,
    null::bigint as staff_count,
    timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    is_dense
from minutes
where measured_seconds >= 60 or not is_dense
