select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    _effective_at,
    store_code,
    transaction_at_local,
    transaction_count,
    sales_amount,
    timezone
from {{ source('raw', 'all_sales') }}
