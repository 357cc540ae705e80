{{ config(materialized="table", tags=["reference"]) }}

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    is_reversed,
    label,
    address,
    timezone,
    valid_from_local,
    valid_to_local
from {{ ref('stg_reference__counters') }}
order by source, device_id, line_id, valid_from_local
