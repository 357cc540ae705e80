{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with branch_days as (
    select * from {{ ref('fct_branch_traffic_daily') }}
    where {{ only_days('business_date', affected_days()) }}
),

branches as (
    select * from {{ ref('dim_branch') }}
),

regions as (
    select
        coalesce(branches.country, '') as country,
        coalesce(branches.region, '') as region,
        branch_days.business_date,
        count(*) filter (where branch_days.status <> 'closed')::integer as branch_count,
        count(*) filter (where branch_days.status = 'complete')::integer as complete_branch_count,
        count(*) filter (where branch_days.is_verified)::integer as verified_branch_count,
        count(*) filter (where branch_days.status = 'unknown')::integer as unknown_branch_count,
        sum(branch_days.entry_count)::bigint as entry_count,
        sum(branch_days.exit_count)::bigint as exit_count,
        round(sum({{ exact('branch_days.entry_count_estimated') }}), 1)::double as entry_count_estimated,
        sum(branch_days.expected_minutes)::integer as expected_minutes,
        sum(branch_days.received_minutes)::integer as received_minutes
    from branch_days
    inner join branches on branch_days.branch_code = branches.branch_code
    group by all
),

judged as (
    select
        *,
        {{ branch_status() }} as status
    from regions
)

select
    country,
    region,
    business_date,
    branch_count,
    complete_branch_count,
    verified_branch_count,
    unknown_branch_count,
    entry_count,
    exit_count,
    entry_count_estimated,
    expected_minutes,
    received_minutes,
    round(received_minutes / nullif(expected_minutes, 0), 6)::double as coverage_ratio,
    status
from judged
order by business_date, country, region
