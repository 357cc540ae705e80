{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('_business_date', touched_days()) }}",
    )
}}

with sales as (
    select * from {{ ref('stg_files__sales') }}
    where {{ only_days('_business_date', touched_days()) }}
),

branches as (
    select * from {{ ref('stg_reference__branches') }}
),

store_day_deliveries as (
    select distinct
        store_code,
        _business_date,
        _effective_at,
        _delivery_id
    from sales
),

newest_deliveries as (
    select * from store_day_deliveries
    qualify row_number() over (
        partition by store_code, _business_date
        order by _effective_at desc, _delivery_id desc
    ) = 1
),

located as (
    select
        sales.*,
        branches.branch_code,
        branches.timezone as branch_timezone,
        coalesce(nullif(sales.timezone, ''), branches.timezone, 'UTC') as row_timezone,
        cast(sales.transaction_at_local as date) as local_date,
        newest_deliveries._delivery_id is not null as is_current
    from sales
    left join branches on sales.store_code = branches.branch_code
    left join newest_deliveries
        on
            sales.store_code = newest_deliveries.store_code
            and sales._business_date = newest_deliveries._business_date
            and sales._delivery_id = newest_deliveries._delivery_id
),

zone_dates as (
    select distinct
        row_timezone as timezone,
        local_date
    from located
),

-- Tills do not tell the two passes of a repeated hour apart: the first is taken.
timed as (
    select
        located.*,
        make_timestamptz(epoch_us(located.transaction_at_local) - case
            when located.transaction_at_local >= zone_days.change_until_local then zone_days.offset_after
            else zone_days.offset_before
        end) as transaction_at
    from located
    inner join {{ zone_days('zone_dates') }} as zone_days
        on
            located.row_timezone = zone_days.timezone
            and located.local_date = zone_days.local_date
),

dated as (
    select
        *,
        case
            when branch_timezone is null then local_date
            else cast(timezone(branch_timezone, transaction_at) as date)
        end as business_date
    from timed
),

hourly as (
    select
        *,
        {{ first_instant("branch_timezone", "cast(business_date as timestamp)") }} as day_start_at
    from dated
)

select
    _business_date,
    business_date,
    source,
    feed,
    store_code,
    branch_code,
    is_current,
    case
        when branch_code is not null then day_start_at + to_hours(({{ minutes_between('day_start_at', 'transaction_at') }} // 60)::integer)
    end as hour_start_at,
    transaction_count,
    sales_amount,
    _delivery_id as delivery_id,
    _row_number as line_number
from hourly
order by business_date, store_code, hour_start_at
