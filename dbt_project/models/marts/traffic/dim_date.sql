{{ config(materialized="table") }}

with bounds as (
    select
        min(business_date) as first_date,
        max(business_date) as last_date
    from {{ ref('stg_ledger__known_days') }}
),

dates as (
    select unnest(generate_series(first_date::timestamp, last_date::timestamp, interval 1 day))::date as date_day
    from bounds
),

weeks as (
    select
        date_day,
        isoyear(date_day)::integer as iso_year,
        weekofyear(date_day)::integer as iso_week,
        isodow(date_day)::integer as iso_weekday,
        weekofyear(make_date(isoyear(date_day), 12, 28))::integer as weeks_of_year
    from dates
),

-- 4-4-5 on ISO weeks: quarters of 13 weeks in periods of 4, 4 and 5. The 53rd week of a long year joins period 12.
quarters as (
    select
        *,
        least((iso_week - 1) // 13, 3)::integer as quarters_before
    from weeks
),

periods as (
    select
        *,
        least((iso_week - 1 - 13 * quarters_before) // 4, 2)::integer as periods_before
    from quarters
)

select
    date_day as business_date,
    year(date_day)::integer as calendar_year,
    quarter(date_day)::integer as calendar_quarter,
    month(date_day)::integer as calendar_month,
    day(date_day)::integer as day_of_month,
    iso_year,
    iso_week,
    iso_weekday,
    dayname(date_day) as weekday_name,
    iso_weekday >= 6 as is_weekend,
    iso_year as retail_year,
    (quarters_before + 1)::integer as retail_quarter,
    (3 * quarters_before + periods_before + 1)::integer as retail_period,
    iso_week as retail_week,
    date_day - (iso_weekday - 1) as retail_week_starts_on,
    date_day - (iso_weekday - 1) - 7 * (iso_week - 1 - 13 * quarters_before - 4 * periods_before)
        as retail_period_starts_on,
    case
        when periods_before < 2 then 4
        when quarters_before < 3 then 5
        else weeks_of_year - 47
    end::integer as retail_period_week_count
from periods
order by business_date
