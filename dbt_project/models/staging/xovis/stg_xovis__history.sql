with bins as (
    select
        _source as source,
        _feed as feed,
        business_date as _business_date,
        _delivery_id,
        min(_row_number) as _row_number,
        _delivered_at,
        device_id,
        logic_id as line_id,
        begin as begin_at,
        date_diff('minute', begin, "end") as width_minutes,
        max(records) as record_count,
        sum(value) filter (where counted_as = 'entry') as entry_count,
        sum(value) filter (where counted_as = 'exit') as exit_count
    from {{ source('xovis', 'history') }}
    where counted_as <> ''
    group by all
)

-- A bin of fewer one-minute records than it is long covers only as many minutes; which of them is not known.
select
    source,
    feed,
    _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    device_id,
    line_id,
    timezone('UTC', begin_at) as interval_start_local,
    cast(least(width_minutes, coalesce(record_count, width_minutes)) as integer) as interval_minutes,
    cast(entry_count as bigint) as entry_count,
    cast(exit_count as bigint) as exit_count,
    null::bigint as staff_count,
    'UTC' as timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    true as is_dense
from bins
where entry_count is not null and coalesce(record_count, 1) > 0
