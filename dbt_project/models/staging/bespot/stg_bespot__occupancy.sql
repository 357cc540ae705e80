select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    store_code as device_id,
    cast(minute as timestamptz) as measured_at,
    occupancy_metric as occupancy_count
from {{ source('bespot', 'occupancy') }}
qualify row_number() over (
    partition by _source, _feed, business_date, store_code, cast(minute as timestamptz)
    order by _delivered_at desc, _delivery_id desc, _row_number desc
) = 1
