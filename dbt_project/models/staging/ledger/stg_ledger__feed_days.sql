select
    feed,
    source,
    business_date,
    asked_at
from {{ source('ledger', 'feed_days') }}
