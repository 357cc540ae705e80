{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with traffic as (
    select * from {{ ref('fct_branch_traffic_hourly') }}
    where {{ only_days('business_date', affected_days()) }}
),

branches as (
    select * from {{ ref('dim_branch') }}
),

sales_hours as (
    select * from {{ ref('int_conversion__sales_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

delivered_days as (
    select distinct
        branch_code,
        business_date
    from sales_hours
),

joined as (
    select
        traffic.branch_code,
        traffic.hour_start_at,
        traffic.hour_local,
        traffic.business_date,
        branches.currency_code,
        traffic.status as traffic_status,
        delivered_days.branch_code is not null as is_sales_delivered,
        case
            when delivered_days.branch_code is not null then coalesce(sales_hours.transaction_count, 0)
        end as transaction_count,
        case
            when delivered_days.branch_code is not null then coalesce(sales_hours.sales_amount, 0)
        end::decimal(18, 2) as sales_amount,
        {{ visitor_count('traffic', 'branches') }} as visitor_count,
        {{ visitor_bound('entry_count_low', 'traffic', 'visitor_count') }} as visitor_count_low,
        {{ visitor_bound('entry_count_high', 'traffic', 'visitor_count') }} as visitor_count_high
    from traffic
    inner join branches on traffic.branch_code = branches.branch_code
    left join delivered_days
        on
            traffic.branch_code = delivered_days.branch_code
            and traffic.business_date = delivered_days.business_date
    left join sales_hours
        on
            traffic.branch_code = sales_hours.branch_code
            and traffic.hour_start_at = sales_hours.hour_start_at
),

paired as (
    select
        *,
        traffic_status = 'complete' and is_sales_delivered and visitor_count is not null as is_paired,
        {{ transactions_over('transaction_count', 'visitor_count') }} as measured_ratio
    from joined
)

select
    branch_code,
    hour_start_at,
    hour_local,
    business_date,
    currency_code,
    transaction_count,
    sales_amount,
    visitor_count,
    visitor_count_low,
    visitor_count_high,
    case when is_paired then measured_ratio end as conversion_ratio,
    case
        when is_paired then measured_ratio
        when traffic_status <> 'closed' then {{ transactions_over('transaction_count', 'visitor_count_high') }}
    end as conversion_ratio_low,
    case
        when is_paired then measured_ratio
        when traffic_status <> 'closed' then {{ transactions_over('transaction_count', 'visitor_count_low') }}
    end as conversion_ratio_high,
    traffic_status,
    is_paired,
    {{ conversion_flag('measured_ratio') }} as flag
from paired
order by business_date, branch_code, hour_start_at
