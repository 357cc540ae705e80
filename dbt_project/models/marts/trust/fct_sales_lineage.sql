{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with sales_rows as (
    select
        branch_code,
        business_date,
        source,
        feed,
        delivery_id,
        min(line_number)::bigint as first_row_number,
        max(line_number)::bigint as last_row_number,
        count(*) as row_count,
        sum(transaction_count)::bigint as transaction_count,
        sum(sales_amount)::decimal(18, 2) as sales_amount
    from {{ ref('int_conversion__sales_rows') }}
    where
        is_current
        and branch_code is not null
        and {{ only_days('business_date', touched_days()) }}
    group by branch_code, business_date, source, feed, delivery_id
),

files as (
    select
        delivery_id,
        min(file_name) as file_name,
        min(sha256) as sha256,
        min(delivered_at) as delivered_at
    from {{ ref('fct_delivery') }}
    where
        status not in ('missing', 'duplicate')
        and delivery_id in (select sales_rows.delivery_id from sales_rows)
    group by delivery_id
)

select
    sales_rows.branch_code,
    sales_rows.business_date,
    sales_rows.source,
    sales_rows.feed,
    sales_rows.delivery_id,
    files.file_name,
    files.sha256,
    files.delivered_at,
    sales_rows.first_row_number,
    sales_rows.last_row_number,
    sales_rows.row_count,
    sales_rows.transaction_count,
    sales_rows.sales_amount
from sales_rows
left join files on sales_rows.delivery_id = files.delivery_id
order by sales_rows.business_date, sales_rows.branch_code, sales_rows.delivery_id
