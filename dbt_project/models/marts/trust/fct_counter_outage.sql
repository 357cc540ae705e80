{{ config(materialized="table") }}

with spans as (
    select * from {{ ref('int_trust__counter_gaps') }}
    where state <> 'not_due'
    union all
    select * from {{ ref('int_trust__suspect_spans') }}
),

lost as (
    select * from {{ ref('int_estimate__lost_spans') }}
),

gaps as (
    select
        spans.*,
        lost.lost_count
    from spans
    left join lost
        on
            spans.source = lost.source
            and spans.device_id = lost.device_id
            and spans.line_id = lost.line_id
            and spans.branch_code = lost.branch_code
            and spans.placement = lost.placement
            and spans.state = lost.state
            and spans.started_at = lost.started_at
),

counter_days as (
    select * from {{ ref('int_traffic__counter_days') }}
    where is_alive
),

followed as (
    select
        *,
        lag(state) over by_time as state_before,
        lag(business_date) over by_time as business_date_before,
        lag(is_alive_after) over by_time as is_alive_after_before
    from gaps
    window by_time as (
        partition by source, device_id, line_id, branch_code, placement
        order by started_at
    )
),

-- Days without any gap lie between some spans: the device may have lived on one of them.
bridges as (
    select
        followed.source,
        followed.device_id,
        followed.line_id,
        followed.branch_code,
        followed.placement,
        followed.started_at
    from followed
    inner join counter_days
        on
            followed.source = counter_days.source
            and followed.device_id = counter_days.device_id
            and followed.line_id = counter_days.line_id
            and followed.branch_code = counter_days.branch_code
            and followed.placement = counter_days.placement
            and followed.business_date_before < counter_days.business_date
            and followed.business_date > counter_days.business_date
    where
        followed.state = followed.state_before
        and not followed.is_alive_before
        and not followed.is_alive_after_before
        and followed.business_date > followed.business_date_before + 1
    group by all
),

numbered as (
    select
        followed.*,
        count_if(
            followed.state is distinct from followed.state_before
            or followed.is_alive_before
            or followed.is_alive_after_before
            or bridges.device_id is not null
        ) over (
            partition by
                followed.source, followed.device_id, followed.line_id, followed.branch_code, followed.placement
            order by followed.started_at
        ) as outage_number
    from followed
    left join bridges
        on
            followed.source = bridges.source
            and followed.device_id = bridges.device_id
            and followed.line_id = bridges.line_id
            and followed.branch_code = bridges.branch_code
            and followed.placement = bridges.placement
            and followed.started_at = bridges.started_at
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    min(business_date) as business_date,
    sum(missing_minutes)::integer as outage_minutes,
    state as reason,
    case when bool_and(lost_count is not null) then round(sum(lost_count), 1) end::double as entry_count_lost_estimated
from numbered
group by source, device_id, line_id, branch_code, placement, state, outage_number
order by business_date, source, device_id, line_id, started_at
