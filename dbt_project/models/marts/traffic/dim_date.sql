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
)

select
    date_day as business_date,
    year(date_day)::integer as calendar_year,
    quarter(date_day)::integer as calendar_quarter,
    month(date_day)::integer as calendar_month,
    day(date_day)::integer as day_of_month,
    isoyear(date_day)::integer as iso_year,
    weekofyear(date_day)::integer as iso_week,
    isodow(date_day)::integer as iso_weekday,
    dayname(date_day) as weekday_name,
    isodow(date_day) >= 6 as is_weekend
from dates
order by business_date
