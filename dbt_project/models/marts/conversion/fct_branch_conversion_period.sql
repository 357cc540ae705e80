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
        dates.retail_year,
        dates.retail_quarter,
        dates.retail_period,
        dates.retail_period_starts_on as period_starts_on,
        7 * dates.retail_period_week_count as calendar_day_count
    from conversion_days
    inner join traffic_days
        on
            conversion_days.branch_code = traffic_days.branch_code
            and conversion_days.business_date = traffic_days.business_date
    inner join dates on conversion_days.business_date = dates.business_date
),

periods as (
    select
        branch_code,
        retail_year,
        retail_quarter,
        retail_period,
        period_starts_on,
        calendar_day_count,
        {{ conversion_sums() }}
    from days
    group by branch_code, retail_year, retail_quarter, retail_period, period_starts_on, calendar_day_count
),

judged as (
    select
        *,
        open_day_count > 0 and complete_day_count = open_day_count as is_paired
    from periods
)

select
    branch_code,
    period_starts_on,
    retail_year,
    retail_quarter,
    retail_period,
    {{ conversion_of_sums() }}
from judged
order by period_starts_on, branch_code
