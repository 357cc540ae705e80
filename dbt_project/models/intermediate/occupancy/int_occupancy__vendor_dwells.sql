{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with visit_durations as (
    select * from {{ ref('stg_footfallcam__visit_durations') }}
    where visit_duration_seconds >= 0 and {{ only_days('_business_date', touched_days()) }}
),

branches as (
    select * from {{ ref('stg_reference__branches') }}
),

newest as (
    select * from visit_durations
    qualify row_number() over (
        partition by source, feed, site_code, interval_start_local, interval_minutes
        order by _effective_at desc, _delivery_id desc, _row_number desc
    ) = 1
),

-- An hour's average weighs as many visits as it has entries. A day's own average needs no weights.
averaged as (
    select
        newest._business_date as business_date,
        branches.branch_code,
        newest.source,
        newest.feed,
        newest.interval_minutes,
        case
            when count(*) = 1 then any_value(newest.visit_duration_seconds)
            else
                sum(cast(newest.visit_duration_seconds as decimal(18, 3)) * newest.entry_count)
                / nullif(sum(newest.entry_count), 0)
        end as dwell_seconds
    from newest
    inner join branches on newest.site_code = branches.branch_code
    group by newest._business_date, branches.branch_code, newest.source, newest.feed, newest.interval_minutes
),

preferred as (
    select * from averaged
    where dwell_seconds is not null
    qualify row_number() over (
        partition by business_date, branch_code
        order by interval_minutes desc, feed asc
    ) = 1
)

select
    business_date,
    branch_code,
    source,
    feed,
    round(dwell_seconds, 1)::double as dwell_seconds
from preferred
order by business_date, branch_code
