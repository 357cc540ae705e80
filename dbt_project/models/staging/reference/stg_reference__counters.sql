select
    source,
    device_id,
    coalesce(line_id, '') as line_id,
    branch_code,
    placement,
    coalesce(direction = 'reverse', false) as is_reversed,
    coalesce(label, '') as label,
    coalesce(address, '') as address,
    coalesce(timezone, '') as timezone,
    cast(valid_from as timestamp) as valid_from_local,
    cast(valid_to as timestamp) as valid_to_local
from
    {{ reference_rows(source('reference', 'counters'), [
        'source', 'device_id', 'line_id', 'branch_code', 'placement', 'direction', 'label', 'address', 'timezone',
        'valid_from', 'valid_to',
    ]) }}
where device_id is not null
