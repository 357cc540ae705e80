select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    branchid as site_id,
    site
from {{ source('footfallcam', 'sites') }}
