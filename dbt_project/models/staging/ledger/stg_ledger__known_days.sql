select business_date
from {{ source('ledger', 'known_days') }}
