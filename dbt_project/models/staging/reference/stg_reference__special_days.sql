select
    branch_code,
    cast(cast(date as timestamp) as date) as calendar_date,
    {{ clock_minutes('opens') }} as opens_minute,
    {{ closing_minute('opens', 'closes') }} as closes_minute
from
    {{ reference_rows(source('reference', 'special_days'), ['branch_code', 'date', 'opens', 'closes']) }}
where branch_code is not null
