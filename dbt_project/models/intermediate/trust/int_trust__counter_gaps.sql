{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with counter_hours as (
    select
        *,
        expected_mask & ~received_mask as missing_mask
    from {{ ref('int_traffic__counter_hours') }}
    where {{ only_days('business_date', touched_days()) }}
),

gap_days as (
    select distinct
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date
    from counter_hours
    where missing_mask <> 0
),

gap_day_hours as (
    select counter_hours.*
    from counter_hours
    inner join gap_days
        on
            counter_hours.source = gap_days.source
            and counter_hours.device_id = gap_days.device_id
            and counter_hours.line_id = gap_days.line_id
            and counter_hours.branch_code = gap_days.branch_code
            and counter_hours.placement = gap_days.placement
            and counter_hours.business_date = gap_days.business_date
),

marked as (
    select
        *,
        missing_state as label,
        missing_mask & ~rejected_mask as mask
    from gap_day_hours
    where missing_state <> 'delivery_rejected'
    union all
    select
        *,
        'delivery_rejected' as label,
        case when missing_state = 'delivery_rejected' then missing_mask else missing_mask & rejected_mask end as mask
    from gap_day_hours
    union all
    select
        *,
        'alive' as label,
        living_mask & ~missing_mask as mask
    from gap_day_hours
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
