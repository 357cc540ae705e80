select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    _effective_at,
    device_id,
    '' as line_id,
    interval_start_local,
    interval_minutes,
    valuein as entry_count,
    valueout as exit_count,
    null::bigint as staff_count,
    timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    is_dense
from {{ source('footfallcam', 'export_api') }}
where data_aggregation = 'counter'
