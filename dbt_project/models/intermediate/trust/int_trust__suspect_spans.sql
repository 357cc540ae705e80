{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_hours as (
    select * from {{ ref('int_traffic__counter_hours') }}
    where branch_code is not null and {{ only_days('business_date', affected_days()) }}
),

suspect_hours as (
    select * from {{ ref('int_trust__suspect_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

suspect_days as (
    select distinct
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date
    from suspect_hours
),

suspect_day_hours as (
    select
        counter_hours.*,
        suspect_hours.state,
        coalesce(suspect_hours.suspect_mask & counter_hours.received_mask, 0) as suspect_mask
    from counter_hours
    inner join suspect_days
        on
            counter_hours.source = suspect_days.source
            and counter_hours.device_id = suspect_days.device_id
            and counter_hours.line_id = suspect_days.line_id
            and counter_hours.branch_code = suspect_days.branch_code
            and counter_hours.placement = suspect_days.placement
            and counter_hours.business_date = suspect_days.business_date
    left join suspect_hours
        on
            counter_hours.source = suspect_hours.source
            and counter_hours.device_id = suspect_hours.device_id
            and counter_hours.line_id = suspect_hours.line_id
            and counter_hours.branch_code = suspect_hours.branch_code
            and counter_hours.placement = suspect_hours.placement
            and counter_hours.hour_start_at = suspect_hours.hour_start_at
),

marked as (
    select
        *,
        state as label,
        suspect_mask as mask
    from suspect_day_hours
    where state is not null
    union all
    select
        *,
        'alive' as label,
        living_mask & ~suspect_mask as mask
    from suspect_day_hours
),

{{ spans_of_minutes() }}

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    started_at,
    ended_at,
    missing_minutes,
    label as state,
    is_alive_before,
    is_alive_after
from spans
order by business_date, source, device_id, line_id, started_at
