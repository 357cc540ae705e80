{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with hours as (
    select * from {{ ref('fct_branch_conversion_hourly') }}
    where {{ only_days('business_date', affected_days()) }}
),

traffic as (
    select * from {{ ref('fct_branch_traffic_daily') }}
    where {{ only_days('business_date', affected_days()) }}
),

branches as (
    select * from {{ ref('dim_branch') }}
),

outside_days as (
    select
        branch_code,
        business_date,
        sum(coalesce(entry_count, 0) + coalesce(exit_count, 0)) as passer_by_count,
        bool_and(received_minutes = expected_minutes and entry_count is not null) as is_complete
    from {{ ref('int_traffic__counter_days') }}
    where placement = 'outside' and {{ only_days('business_date', affected_days()) }}
    group by branch_code, business_date
),

sales_days as (
    select
        branch_code,
        business_date,
        sum(transaction_count)::bigint as transaction_count,
        sum(sales_amount)::decimal(18, 2) as sales_amount,
        coalesce(sum(transaction_count) filter (where is_paired), 0)::bigint as paired_transaction_count,
        coalesce(sum(sales_amount) filter (where is_paired), 0)::decimal(18, 2) as paired_sales_amount,
        coalesce(sum(visitor_count) filter (where is_paired), 0)::double as paired_visitor_count,
        coalesce(bool_and(is_paired) filter (where traffic_status <> 'closed'), false) as is_paired
    from hours
    group by branch_code, business_date
),

joined as (
    select
        traffic.branch_code,
        traffic.business_date,
        branches.currency_code,
        traffic.status as traffic_status,
        traffic.entry_count,
        {{ visitor_count('traffic', 'branches') }} as visitor_count,
        sales_days.transaction_count,
        sales_days.sales_amount,
        sales_days.paired_transaction_count,
        sales_days.paired_sales_amount,
        sales_days.paired_visitor_count,
        coalesce(sales_days.is_paired, false) as is_paired,
        round(sales_days.paired_transaction_count / nullif(sales_days.paired_visitor_count, 0), 6)::double
            as conversion_ratio,
        case
            when traffic.status = 'complete' and outside_days.is_complete
                then traffic.entry_count / nullif(traffic.entry_count + outside_days.passer_by_count, 0)
        end as turn_in_ratio
    from traffic
    inner join branches on traffic.branch_code = branches.branch_code
    left join sales_days
        on
            traffic.branch_code = sales_days.branch_code
            and traffic.business_date = sales_days.business_date
    left join outside_days
        on
            traffic.branch_code = outside_days.branch_code
            and traffic.business_date = outside_days.business_date
)

select
    branch_code,
    business_date,
    currency_code,
    transaction_count,
    sales_amount,
    visitor_count,
    paired_transaction_count,
    paired_sales_amount,
    paired_visitor_count,
    conversion_ratio,
    case when is_paired then conversion_ratio end as conversion_ratio_low,
    case
        when is_paired then conversion_ratio
        else round(transaction_count / nullif(visitor_count, 0), 6)::double
    end as conversion_ratio_high,
    round(sales_amount / nullif(transaction_count, 0), 2)::decimal(18, 2) as average_transaction_amount,
    round(paired_sales_amount / nullif(paired_visitor_count, 0), 2)::decimal(18, 2) as sales_per_visitor_amount,
    round(turn_in_ratio, 6)::double as turn_in_ratio,
    traffic_status,
    is_paired,
    {{ conversion_flag('conversion_ratio') }} as flag
from joined
order by business_date, branch_code
