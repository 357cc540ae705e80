{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

select
    branch_code,
    business_date,
    hour_start_at,
    sum(transaction_count)::bigint as transaction_count,
    sum(sales_amount)::decimal(18, 2) as sales_amount
from {{ ref('int_conversion__sales_rows') }}
where
    is_current
    and branch_code is not null
    and {{ only_days('business_date', touched_days()) }}
group by branch_code, business_date, hour_start_at
order by business_date, branch_code, hour_start_at
