{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with traffic as (
    select * from {{ ref('fct_branch_traffic_daily') }}
    where {{ only_days('business_date', affected_days()) }}
),

-- Who is inside changes within the interval that ends here, by the mean of both ends, and stays the same before it.
-- The day begins with nobody inside.
place_quarters as (
    select
        *,
        greatest(grain_minutes, 15) as step_minutes,
        coalesce(
            {{ minutes_between('lag(quarter_start_at) over by_known_end', 'quarter_start_at') }}, step_minutes
        ) as minutes_since,
        coalesce(lag(occupancy_corrected) over by_known_end, 0) as occupancy_before
    from {{ ref('int_occupancy__place_quarters') }}
    where placement = 'entrance' and not is_within_interval and {{ only_days('business_date', affected_days()) }}
    window by_known_end as (
        partition by branch_code, business_date
        order by quarter_start_at
    )
),

summed as (
    select
        branch_code,
        business_date,
        max(entries_of_day) as entries_of_day,
        bool_and(status = 'corrected') as is_corrected,
        max(status) as status,
        max(grain_minutes) as grain_minutes,
        sum(
            cast(occupancy_before as decimal(18, 3)) * greatest(minutes_since - step_minutes, 0) * 60
            + cast(occupancy_before + occupancy_corrected as decimal(18, 3)) * least(minutes_since, step_minutes) * 30
        ) as person_seconds
    from place_quarters
    group by branch_code, business_date
),

vendor_dwells as (
    select * from {{ ref('int_occupancy__vendor_dwells') }}
    where {{ only_days('business_date', affected_days()) }}
),

judged as (
    select
        traffic.branch_code,
        traffic.business_date,
        summed.entries_of_day,
        summed.person_seconds,
        vendor_dwells.dwell_seconds as vendor_dwell_seconds,
        case
            when traffic.status = 'closed' then 'closed'
            when traffic.status <> 'complete' then 'incomplete'
            when summed.branch_code is null or summed.grain_minutes > 60 then 'within_interval'
            when not summed.is_corrected then summed.status
            when summed.entries_of_day = 0 then 'no_entries'
            else ''
        end as reason
    from traffic
    left join summed
        on
            traffic.branch_code = summed.branch_code
            and traffic.business_date = summed.business_date
    left join vendor_dwells
        on
            traffic.branch_code = vendor_dwells.branch_code
            and traffic.business_date = vendor_dwells.business_date
),

measured as (
    select
        *,
        case when reason = '' then person_seconds / entries_of_day end as dwell_seconds
    from judged
)

select
    branch_code,
    business_date,
    case when reason = '' then entries_of_day end::bigint as entry_count,
    round(dwell_seconds, 1)::double as dwell_seconds,
    vendor_dwell_seconds,
    round((dwell_seconds - vendor_dwell_seconds) / nullif(vendor_dwell_seconds, 0), 6)::double as difference_ratio,
    reason
from measured
order by business_date, branch_code
