{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('_business_date', touched_days()) }}",
    )
}}

-- Zones are whole quarters of an hour from UTC, so quarter hours are the same everywhere.
with samples as (
    select
        *,
        make_timestamptz(epoch_us(measured_at) // 900000000 * 900000000) as quarter_start_at
    from {{ ref('stg_bespot__occupancy') }}
    where {{ only_days('_business_date', touched_days()) }}
),

placements as (
    select * from {{ ref('int_traffic__placements') }}
    where placement = 'entrance'
),

-- The newest sample of the quarter hour and none older: a sample says nothing about the time after.
newest as (
    select
        samples._business_date,
        placements.branch_code,
        samples.quarter_start_at,
        samples.occupancy_count
    from samples
    inner join placements
        on
            samples.source = placements.source
            and samples.device_id = placements.device_id
            and samples.measured_at >= placements.valid_from_at
            and samples.measured_at < placements.valid_to_at
    qualify row_number() over (
        partition by
            samples._business_date, placements.branch_code, samples.quarter_start_at, samples.source, samples.device_id
        order by samples.measured_at desc, samples.feed asc
    ) = 1
)

select
    _business_date,
    branch_code,
    quarter_start_at,
    sum(occupancy_count)::bigint as occupancy_vendor
from newest
group by _business_date, branch_code, quarter_start_at
order by _business_date, branch_code, quarter_start_at
