{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with zone_quarters as (
    select
        *,
        coalesce(
            lag(occupancy_corrected) over (
                partition by source, device_id, line_id, branch_code, business_date
                order by quarter_start_at
            ),
            0
        ) as occupancy_before
    from {{ ref('int_occupancy__place_quarters') }}
    where placement = 'inner' and {{ only_days('business_date', affected_days()) }}
),

measured as (
    select
        *,
        case when status = 'corrected' and grain_minutes <= 15 then occupancy_before end as occupancy_at_start,
        case when status = 'corrected' and grain_minutes <= 15 then occupancy_corrected end as occupancy_at_end,
        (occupancy_at_start + occupancy_at_end) / 2 as occupancy_average,
        abs(occupancy_at_end - occupancy_at_start) <= greatest(
            {{ steady_people() }}, {{ steady_ratio() }} * greatest(occupancy_at_start, occupancy_at_end)
        ) as is_steady
    from zone_quarters
    where is_since_opening
),

judged as (
    select
        *,
        case
            when status = 'live' then 'incomplete'
            when status <> 'corrected' then status
            when grain_minutes > 15 then 'within_interval'
            when entry_count < {{ least_arrivals() }} then 'few_arrivals'
            when not is_steady then 'not_steady'
            else ''
        end as reason
    from measured
)

select
    source,
    device_id,
    line_id,
    branch_code,
    business_date,
    quarter_start_at,
    quarter_local,
    entry_count as arrival_count,
    occupancy_at_start,
    occupancy_at_end,
    round(occupancy_average, 3)::double as occupancy_average,
    case when reason = '' then round(900 * occupancy_average / entry_count, 1) end::double as wait_seconds,
    is_steady,
    reason
from judged
order by business_date, branch_code, source, device_id, line_id, quarter_start_at
