{{ config(materialized="table", tags=["reference"]) }}

with counters as (
    select * from {{ ref('stg_reference__counters') }}
),

branches as (
    select * from {{ ref('stg_reference__branches') }}
)

select
    counters.source,
    counters.device_id,
    counters.line_id,
    counters.branch_code,
    counters.placement,
    counters.is_reversed,
    branches.timezone as branch_timezone,
    coalesce(nullif(counters.timezone, ''), branches.timezone) as counter_timezone,
    timezone(branches.timezone, coalesce(counters.valid_from_local, timestamp '1900-01-02')) as valid_from_at,
    timezone(branches.timezone, coalesce(counters.valid_to_local, timestamp '2900-01-01')) as valid_to_at
from counters
inner join branches on counters.branch_code = branches.branch_code
