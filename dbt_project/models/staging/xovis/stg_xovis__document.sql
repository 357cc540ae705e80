select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    min(_row_number) as _row_number,
    _delivered_at,
    device_id,
    '' as line_id,
    timezone('UTC', begin) as interval_start_local,
    cast(date_diff('minute', begin, "end") as integer) as interval_minutes,
    cast(sum(value) filter (where counted_as = 'entry') as bigint) as entry_count,
    cast(sum(value) filter (where counted_as = 'exit') as bigint) as exit_count,
    null::bigint as staff_count,
    'UTC' as timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    true as is_dense
from {{ source('xovis', 'document') }}
where counted_as <> '' and begin < "end"
group by all
having sum(value) filter (where counted_as = 'entry') is not null
