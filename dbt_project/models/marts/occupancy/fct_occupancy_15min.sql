{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with place_quarters as (
    select * from {{ ref('int_occupancy__place_quarters') }}
    where placement = 'entrance' and is_since_opening and {{ only_days('business_date', affected_days()) }}
),

vendor_quarters as (
    select * from {{ ref('int_occupancy__vendor_quarters') }}
)

select
    place_quarters.branch_code,
    place_quarters.business_date,
    place_quarters.quarter_start_at,
    place_quarters.quarter_local,
    place_quarters.is_open,
    place_quarters.grain_minutes,
    place_quarters.entry_count,
    place_quarters.exit_count,
    place_quarters.occupancy_live,
    place_quarters.occupancy_corrected,
    vendor_quarters.occupancy_vendor,
    place_quarters.drift_at_close,
    place_quarters.is_complete,
    place_quarters.status
from place_quarters
left join vendor_quarters
    on
        place_quarters.branch_code = vendor_quarters.branch_code
        and place_quarters.quarter_start_at = vendor_quarters.quarter_start_at
order by place_quarters.business_date, place_quarters.branch_code, place_quarters.quarter_start_at
