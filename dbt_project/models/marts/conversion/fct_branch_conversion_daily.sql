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

-- Who passes while the shop is closed cannot turn in.
outside_days as (
    select
        branch_code,
        business_date,
        sum(coalesce(open_entry_count, 0) + coalesce(open_exit_count, 0)) as passer_by_count,
        sum(open_entry_count) as outside_entry_count,
        bool_and(received_minutes = expected_minutes and open_entry_count is not null) as is_complete
    from {{ ref('int_traffic__counter_days') }}
    where placement = 'outside' and expected_minutes > 0 and {{ only_days('business_date', affected_days()) }}
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
        count(*) filter (where is_paired)::integer as paired_hour_count,
        count(*) filter (where traffic_status <> 'closed')::integer as open_hour_count,
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
        {{ visitor_bound('entry_count_low', 'traffic', 'visitor_count') }} as visitor_count_low,
        {{ visitor_bound('entry_count_high', 'traffic', 'visitor_count') }} as visitor_count_high,
        traffic.expected_minutes,
        traffic.received_minutes,
        traffic.coverage_ratio,
        sales_days.transaction_count,
        sales_days.sales_amount,
        sales_days.paired_transaction_count,
        sales_days.paired_sales_amount,
        sales_days.paired_visitor_count,
        coalesce(sales_days.paired_hour_count, 0) as paired_hour_count,
        coalesce(sales_days.open_hour_count, 0) as open_hour_count,
        coalesce(sales_days.is_paired, false) as is_paired,
        {{ transactions_over('sales_days.paired_transaction_count', 'sales_days.paired_visitor_count') }}
            as conversion_ratio,
        case when traffic.status = 'complete' and outside_days.is_complete then outside_days.passer_by_count end
            as passer_by_count,
        case when traffic.status = 'complete' and outside_days.is_complete then outside_days.outside_entry_count end
            as outside_entry_count
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
    visitor_count_low,
    visitor_count_high,
    paired_transaction_count,
    paired_sales_amount,
    paired_visitor_count,
    conversion_ratio,
    case
        when is_paired then conversion_ratio
        when traffic_status <> 'closed' then {{ transactions_over('transaction_count', 'visitor_count_high') }}
    end as conversion_ratio_low,
    case
        when is_paired then conversion_ratio
        when traffic_status <> 'closed' then {{ transactions_over('transaction_count', 'visitor_count_low') }}
    end as conversion_ratio_high,
    round(sales_amount / nullif(transaction_count, 0), 2)::decimal(18, 2) as average_transaction_amount,
    round(paired_sales_amount / nullif(paired_visitor_count, 0), 2)::decimal(18, 2) as sales_per_visitor_amount,
    passer_by_count::bigint as passer_by_count,
    outside_entry_count::bigint as outside_entry_count,
    round(entry_count / nullif(entry_count + passer_by_count, 0), 6)::double as turn_in_ratio,
    round(entry_count / nullif(passer_by_count, 0), 6)::double as turn_in_ratio_of_passers_by,
    round(entry_count / nullif(outside_entry_count, 0), 6)::double as turn_in_ratio_of_outside_in,
    case when entry_count + passer_by_count > 0 then '{{ turn_in_definition() }}' else '' end as turn_in_definition,
    coverage_ratio,
    open_hour_count,
    paired_hour_count,
    traffic_status,
    is_paired,
    {{ conversion_flag('conversion_ratio') }} as flag
from joined
order by business_date, branch_code
