{{ config(materialized="table", tags=["reference"]) }}

select
    branch_code,
    branch_name,
    country,
    region,
    city,
    timezone,
    currency_code,
    floor_area_m2,
    visitor_basis,
    opened_at_local::date as opened_on,
    closed_at_local::date as closed_on
from {{ ref('stg_reference__branches') }}
order by branch_code
