select
    feed,
    source,
    kind,
    grain_minutes,
    is_dense,
    is_per_device_day,
    is_sum_of_doors,
    due_time,
    due_days_after,
    precedence
from {{ source('ledger', 'feeds') }}
