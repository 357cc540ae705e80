with
-- Not materialized: each use is then pruned to the days that are asked for.
visits as not materialized (
    select
        _source as source,
        _feed as feed,
        business_date as _business_date,
        _delivery_id,
        _row_number,
        _delivered_at,
        _effective_at,
        store_code as device_id,
        in_metric as entry_count,
        out_metric as exit_count,
        timezone('UTC', cast(minute as timestamptz)) as minute_utc,
        minute(cast(left(minute, 16) as timestamp)) as minute_of_hour
    from {{ source('bespot', 'visits') }}
),

-- Hours of the store's own clock in which it counted anybody, and how far its answer speaks.
living_hours as (
    select
        source,
        feed,
        _business_date,
        device_id,
        minute_utc - to_minutes(minute_of_hour) as hour_start_utc,
        max(_effective_at) as spoken_until_at,
        max(_delivered_at) as _delivered_at,
        max_by(_delivery_id, _delivered_at) as _delivery_id,
        bit_or(1::bigint << minute_of_hour::integer) as counted_mask
    from visits
    group by all
),

minutes as (
    select unnest(range(60))::integer as minute_number
),

-- Bespot leaves out minutes in which nobody passed. In a living hour an absent minute is a zero; a silent hour is not.
absent_minutes as (
    select
        living_hours.source,
        living_hours.feed,
        living_hours._business_date,
        living_hours._delivery_id,
        living_hours._delivered_at,
        living_hours.device_id,
        living_hours.hour_start_utc + to_minutes(minutes.minute_number) as minute_utc
    from living_hours
    cross join minutes
    where
        (living_hours.counted_mask >> minutes.minute_number) & 1 = 0
        and living_hours.hour_start_utc + to_minutes(minutes.minute_number)
        < timezone('UTC', living_hours.spoken_until_at)
)

select
    source,
    feed,
    _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    device_id,
    '' as line_id,
    minute_utc as interval_start_local,
    1 as interval_minutes,
    entry_count,
    exit_count,
    null::bigint as staff_count,
    'UTC' as timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    true as is_dense
from visits
union all
select
    source,
    feed,
    _business_date,
    _delivery_id,
    0 as _row_number,
    _delivered_at,
    device_id,
    '' as line_id,
    minute_utc as interval_start_local,
    1 as interval_minutes,
    0::bigint as entry_count,
    0::bigint as exit_count,
    null::bigint as staff_count,
    'UTC' as timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    true as is_dense
from absent_minutes
