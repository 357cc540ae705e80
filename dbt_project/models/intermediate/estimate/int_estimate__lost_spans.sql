{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with spans as (
    select * from {{ ref('int_trust__counter_gaps') }}
    where state <> 'not_due' and placement = 'entrance' and {{ only_days('business_date', affected_days()) }}
    union all
    select * from {{ ref('int_trust__suspect_spans') }}
    where placement = 'entrance' and {{ only_days('business_date', affected_days()) }}
),

counter_hours as (
    select
        *,
        expected_mask & ~usable_mask & ~suspect_mask & ~refused_mask as unexplained_mask
    from {{ ref('int_trust__counter_hour_states') }}
    where placement = 'entrance' and {{ only_days('business_date', affected_days()) }}
),

expected_hours as (
    select * from {{ ref('int_estimate__expected_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

lost_hours as (
    select
        spans.source,
        spans.device_id,
        spans.line_id,
        spans.branch_code,
        spans.placement,
        spans.business_date,
        spans.state,
        spans.started_at,
        counter_hours.hour_start_at,
        counter_hours.expected_minutes,
        bit_count(
            case
                when spans.state = 'delivery_rejected' then counter_hours.refused_mask
                when spans.state = counter_hours.suspect_state then counter_hours.suspect_mask
                else counter_hours.unexplained_mask
            end & {{ span_mask('counter_hours.hour_start_at', 'spans.started_at', 'spans.ended_at') }}
        ) as lost_minutes
    from spans
    inner join counter_hours
        on
            spans.source = counter_hours.source
            and spans.device_id = counter_hours.device_id
            and spans.line_id = counter_hours.line_id
            and spans.branch_code = counter_hours.branch_code
            and spans.business_date = counter_hours.business_date
            and spans.ended_at > counter_hours.hour_start_at
            and spans.started_at < counter_hours.hour_start_at + interval 1 hour
)

select
    lost_hours.source,
    lost_hours.device_id,
    lost_hours.line_id,
    lost_hours.branch_code,
    lost_hours.placement,
    lost_hours.business_date,
    lost_hours.state,
    lost_hours.started_at,
    case
        when bool_and(expected_hours.expected_count is not null)
            then sum({{ exact(
                'expected_hours.expected_count::double * lost_hours.lost_minutes / lost_hours.expected_minutes'
            ) }})
    end as lost_count
from lost_hours
left join expected_hours
    on
        lost_hours.source = expected_hours.source
        and lost_hours.device_id = expected_hours.device_id
        and lost_hours.line_id = expected_hours.line_id
        and lost_hours.branch_code = expected_hours.branch_code
        and lost_hours.hour_start_at = expected_hours.hour_start_at
where lost_hours.lost_minutes > 0
group by
    lost_hours.source,
    lost_hours.device_id,
    lost_hours.line_id,
    lost_hours.branch_code,
    lost_hours.placement,
    lost_hours.business_date,
    lost_hours.state,
    lost_hours.started_at
order by
    lost_hours.business_date,
    lost_hours.source,
    lost_hours.device_id,
    lost_hours.line_id,
    lost_hours.started_at
