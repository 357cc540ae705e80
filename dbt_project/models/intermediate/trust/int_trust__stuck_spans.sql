{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_hours as (
    select * from {{ ref('int_traffic__counter_hours') }}
    where placement = 'entrance' and {{ only_days('business_date', affected_days()) }}
),

stuck_hours as (
    select * from {{ ref('int_trust__stuck_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

stuck_days as (
    select distinct
        source,
        device_id,
        line_id,
        branch_code,
        business_date
    from stuck_hours
),

stuck_day_hours as (
    select
        counter_hours.*,
        case when stuck_hours.device_id is not null then counter_hours.expected_mask else 0 end as stuck_mask
    from counter_hours
    inner join stuck_days
        on
            counter_hours.source = stuck_days.source
            and counter_hours.device_id = stuck_days.device_id
            and counter_hours.line_id = stuck_days.line_id
            and counter_hours.branch_code = stuck_days.branch_code
            and counter_hours.business_date = stuck_days.business_date
    left join stuck_hours
        on
            counter_hours.source = stuck_hours.source
            and counter_hours.device_id = stuck_hours.device_id
            and counter_hours.line_id = stuck_hours.line_id
            and counter_hours.branch_code = stuck_hours.branch_code
            and counter_hours.hour_start_at = stuck_hours.hour_start_at
),

marked as (
    select
        *,
        'stuck_zero' as label,
        stuck_mask as mask
    from stuck_day_hours
    union all
    select
        *,
        'alive' as label,
        living_mask & ~stuck_mask as mask
    from stuck_day_hours
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
