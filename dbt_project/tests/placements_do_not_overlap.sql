-- A line hangs in one place at a time; otherwise its people would be counted twice.
select
    source,
    device_id,
    line_id,
    branch_code,
    valid_from_at
from {{ ref('int_traffic__placements') }}
qualify valid_from_at < lag(valid_to_at) over (
    partition by source, device_id, line_id
    order by valid_from_at
)
