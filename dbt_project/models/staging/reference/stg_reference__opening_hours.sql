select
    branch_code,
    cast(weekday as integer) as weekday,
    {{ clock_minutes('opens') }} as opens_minute,
    {{ closing_minute('opens', 'closes') }} as closes_minute,
    cast(valid_from as timestamp) as valid_from_local,
    cast(valid_to as timestamp) as valid_to_local
from
    {{ reference_rows(source('reference', 'opening_hours'), [
        'branch_code', 'weekday', 'opens', 'closes', 'valid_from', 'valid_to',
    ]) }}
where branch_code is not null
