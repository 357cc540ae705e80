select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    line_number,
    column_name,
    value,
    reason,
    line,
    device_id,
    interval_start_local
from {{ source('raw', 'all_rejected') }}
