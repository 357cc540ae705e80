-- Every sale of a known store that stands is in the mart once, hour by hour and day by day.
with staged as (
    select
        business_date,
        sum(transaction_count) as transaction_count,
        sum(sales_amount) as sales_amount
    from {{ ref('int_conversion__sales_rows') }}
    where
        is_current
        and branch_code is not null
        and {{ in_days_of_run('business_date', touched_days()) }}
    group by business_date
),

hourly as (
    select
        business_date,
        sum(transaction_count) as transaction_count,
        sum(sales_amount) as sales_amount
    from {{ ref('fct_branch_conversion_hourly') }}
    where {{ in_days_of_run('business_date', touched_days()) }}
    group by business_date
),

daily as (
    select
        business_date,
        sum(transaction_count) as transaction_count,
        sum(sales_amount) as sales_amount
    from {{ ref('fct_branch_conversion_daily') }}
    where {{ in_days_of_run('business_date', touched_days()) }}
    group by business_date
)

select
    staged.business_date,
    staged.sales_amount,
    hourly.sales_amount as hourly_sales_amount,
    daily.sales_amount as daily_sales_amount
from staged
left join hourly on staged.business_date = hourly.business_date
left join daily on staged.business_date = daily.business_date
where
    staged.transaction_count is distinct from hourly.transaction_count
    or staged.transaction_count is distinct from daily.transaction_count
    or staged.sales_amount is distinct from hourly.sales_amount
    or staged.sales_amount is distinct from daily.sales_amount
