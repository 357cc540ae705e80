select
    branch_code,
    coalesce(branch_name, branch_code) as branch_name,
    coalesce(country, '') as country,
    coalesce(region, '') as region,
    coalesce(city, '') as city,
    timezone,
    coalesce(currency_code, '') as currency_code,
    cast(floor_area_m2 as double) as floor_area_m2,
    coalesce(lower(visitor_basis), 'in') as visitor_basis,
    cast(opened_on as timestamp) as opened_at_local,
    cast(closed_on as timestamp) as closed_at_local
from
    {{ reference_rows(source('reference', 'branches'), [
        'branch_code', 'branch_name', 'country', 'region', 'city', 'timezone', 'currency_code', 'floor_area_m2',
        'visitor_basis', 'opened_on', 'closed_on',
    ]) }}
where branch_code is not null
