{{ config(materialized="table") }}

with deliveries as (
    select * from {{ ref('fct_delivery') }}
    where kind = 'sales' and status <> 'missing'
),

unknown_stores as (
    select
        delivery_id,
        count(*) as row_count
    from {{ ref('fct_rejected_row') }}
    where reason = 'unknown_store'
    group by delivery_id
),

imports as (
    select
        delivery_id,
        feed,
        channel,
        file_name,
        sha256,
        byte_count,
        received_at,
        reason,
        status = 'duplicate' as is_duplicate,
        bool_and(status = 'rejected') as is_unreadable,
        bool_or(status = 'retracted') as is_retracted,
        min(business_date) as business_date,
        sum(row_count)::bigint as row_count,
        sum(rejected_row_count)::bigint as rejected_row_count
    from deliveries
    group by
        delivery_id,
        feed,
        channel,
        file_name,
        sha256,
        byte_count,
        received_at,
        reason,
        status = 'duplicate'
),

counted as (
    select
        imports.*,
        case when imports.is_duplicate or imports.is_retracted then 0 else coalesce(unknown_stores.row_count, 0) end as unknown_store_count
    from imports
    left join unknown_stores on imports.delivery_id = unknown_stores.delivery_id
)

select
    delivery_id as import_id,
    feed,
    channel,
    file_name,
    sha256,
    byte_count,
    received_at,
    business_date,
    row_count,
    rejected_row_count + unknown_store_count as rejected_row_count,
    case when is_duplicate or is_retracted then 0 else row_count - unknown_store_count end as loaded_row_count,
    case
        when is_duplicate then 'duplicate'
        when is_retracted then 'retracted'
        when is_unreadable then 'failed'
        when row_count - unknown_store_count = 0 and rejected_row_count + unknown_store_count > 0 then 'failed'
        when row_count = 0 or rejected_row_count + unknown_store_count > 0 then 'partial'
        else 'success'
    end as status,
    reason
from counted
order by business_date, received_at, import_id
