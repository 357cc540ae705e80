{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with unreadable_rows as (
    select * from {{ ref('stg_files__rejected_rows') }}
    where {{ only_days('_business_date', touched_days()) }}
),

nonexistent_rows as (
    select * from {{ ref('int_traffic__nonexistent_rows') }}
    where {{ only_days('_business_date', touched_days()) }}
),

unknown_store_rows as (
    select * from {{ ref('int_conversion__sales_rows') }}
    where branch_code is null and {{ only_days('_business_date', touched_days()) }}
),

-- The same file can stand in the ledger once per day and once per repeat.
files as (
    select
        delivery_id,
        any_value(file_name) as file_name,
        any_value(sha256) as sha256
    from {{ ref('stg_ledger__deliveries') }}
    where state <> 'duplicate'
    group by delivery_id
),

rejected as (
    select
        feed,
        source,
        _delivery_id as delivery_id,
        _business_date as business_date,
        line_number,
        column_name,
        value,
        reason,
        line
    from unreadable_rows
    union all
    select
        feed,
        source,
        delivery_id,
        _business_date as business_date,
        line_number,
        'interval_start_local' as column_name,
        strftime(interval_start_local, '%Y-%m-%d %H:%M:%S') as value,
        'nonexistent_local_time' as reason,
        null as line
    from nonexistent_rows
    union all
    select
        feed,
        source,
        delivery_id,
        _business_date as business_date,
        line_number,
        'store_code' as column_name,
        store_code as value,
        'unknown_store' as reason,
        null as line
    from unknown_store_rows
)

select
    rejected.feed,
    rejected.source,
    rejected.delivery_id,
    files.file_name,
    files.sha256,
    rejected.business_date,
    rejected.line_number,
    rejected.column_name,
    rejected.value,
    rejected.reason,
    rejected.line
from rejected
left join files on rejected.delivery_id = files.delivery_id
order by rejected.business_date, rejected.feed, rejected.delivery_id, rejected.line_number
