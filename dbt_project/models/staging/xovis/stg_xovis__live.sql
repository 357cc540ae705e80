select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    min(_row_number) as _row_number,
    _delivered_at,
    device_id,
    logic_id as line_id,
    reading_at,
    is_closing,
    sum(value) filter (where counted_as = 'entry') as entry_total,
    sum(value) filter (where counted_as = 'exit') as exit_total
from {{ source('xovis', 'live') }}
where counted_as <> ''
group by all
