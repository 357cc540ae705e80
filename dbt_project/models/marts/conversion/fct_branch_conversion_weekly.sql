{{ config(materialized="table") }}

with conversion_days as (
    select * from {{ ref('fct_branch_conversion_daily') }}
),

traffic_days as (
    select * from {{ ref('fct_branch_traffic_daily') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

days as (
    select
        conversion_days.*,
        traffic_days.entry_count,
        traffic_days.expected_minutes,
        traffic_days.received_minutes,
        dates.iso_year,
        dates.iso_week,
        dates.retail_week_starts_on as week_starts_on
    from conversion_days
    inner join traffic_days
        on
            conversion_days.branch_code = traffic_days.branch_code
            and conversion_days.business_date = traffic_days.business_date
    inner join dates on conversion_days.business_date = dates.business_date
),

weeks as (
    select
        branch_code,
        iso_year,
        iso_week,
        week_starts_on,
        7 as calendar_day_count,
        {{ conversion_sums() }}
    from days
    group by branch_code, iso_year, iso_week, week_starts_on
),

judged as (
    select
        *,
        open_day_count > 0 and complete_day_count = open_day_count as is_paired
    from weeks
)

select
    branch_code,
    week_starts_on,
    iso_year,
    iso_week,
    {{ conversion_of_sums() }}
from judged
order by week_starts_on, branch_code
