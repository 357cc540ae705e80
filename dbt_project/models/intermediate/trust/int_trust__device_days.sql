{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with expected_hours as (
    select * from {{ ref('int_traffic__installed_hours') }}
    where {{ only_days('business_date', touched_days()) }}
),

living_devices as (
    select distinct
        source,
        device_id,
        business_date
    from {{ ref('int_traffic__feed_hours') }}
    where row_count > 0 and {{ only_days('business_date', touched_days()) }}
),

feeds as (
    select * from {{ ref('stg_ledger__feeds') }}
),

deliveries as (
    select * from {{ ref('stg_ledger__deliveries') }}
    where {{ only_days('business_date', touched_days()) }}
),

feed_days as (
    select * from {{ ref('stg_ledger__feed_days') }}
    where {{ only_days('business_date', touched_days()) }}
),

installed_devices as (
    select distinct
        source,
        device_id,
        business_date
    from expected_hours
),

unreadable_days as (
    select
        installed_devices.source,
        installed_devices.device_id,
        installed_devices.business_date
    from installed_devices
    inner join deliveries
        on
            installed_devices.source = deliveries.source
            and installed_devices.business_date = deliveries.business_date
            and deliveries.device_id in ('', installed_devices.device_id)
    where deliveries.state in ('parsed', 'empty', 'unreadable')
    group by all
    having
        bool_and(deliveries.state = 'unreadable' or deliveries.device_id = '')
        and bool_or(deliveries.state = 'unreadable')
),

asked_days as (
    select distinct
        source,
        business_date
    from feed_days
    where asked_at is not null
),

patient_sources as (
    select distinct source
    from feeds
    where is_per_device_day
)

select
    installed_devices.source,
    installed_devices.device_id,
    installed_devices.business_date,
    case
        when living_devices.device_id is not null then 'device_offline'
        when unreadable_days.device_id is not null then 'delivery_rejected'
        when asked_days.source is not null or patient_sources.source is null then 'delivery_missing'
        else 'not_due'
    end as missing_state
from installed_devices
left join living_devices
    on
        installed_devices.source = living_devices.source
        and installed_devices.device_id = living_devices.device_id
        and installed_devices.business_date = living_devices.business_date
left join unreadable_days
    on
        installed_devices.source = unreadable_days.source
        and installed_devices.device_id = unreadable_days.device_id
        and installed_devices.business_date = unreadable_days.business_date
left join asked_days
    on
        installed_devices.source = asked_days.source
        and installed_devices.business_date = asked_days.business_date
left join patient_sources on installed_devices.source = patient_sources.source
