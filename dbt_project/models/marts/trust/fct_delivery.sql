{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with deliveries as (
    select * from {{ ref('stg_ledger__deliveries') }}
    where {{ only_days('business_date', affected_days()) }}
),

feeds as (
    select * from {{ ref('stg_ledger__feeds') }}
),

asked_days as (
    select distinct
        feed,
        business_date
    from {{ ref('stg_ledger__feed_days') }}
    where asked_at is not null and {{ only_days('business_date', affected_days()) }}
),

installed_devices as (
    select
        source,
        device_id,
        business_date
    from {{ ref('int_trust__device_days') }}
    where {{ only_days('business_date', affected_days()) }}
),

device_zones as (
    select
        source,
        device_id,
        min(counter_timezone) as timezone
    from {{ ref('int_traffic__placements') }}
    group by source, device_id
),

missing_deliveries as (
    select
        feeds.feed,
        feeds.source,
        installed_devices.device_id,
        installed_devices.business_date
    from feeds
    inner join asked_days on feeds.feed = asked_days.feed
    inner join installed_devices
        on
            feeds.source = installed_devices.source
            and asked_days.business_date = installed_devices.business_date
    left join deliveries
        on
            feeds.feed = deliveries.feed
            and asked_days.business_date = deliveries.business_date
            and installed_devices.device_id = deliveries.device_id
    where feeds.is_per_device_day and deliveries.feed is null
),

expected_and_received as (
    select * from deliveries
    union all by name
    select
        *,
        '' as channel,
        '' as line_id,
        'missing' as state,
        'no_delivery' as reason,
        0 as row_count,
        0 as rejected_row_count
    from missing_deliveries
),

-- A file of several devices has no clock of its own: its due time is read as UTC.
due as (
    select
        expected_and_received.*,
        feeds.kind,
        timezone(
            coalesce(device_zones.timezone, 'UTC'),
            expected_and_received.business_date + feeds.due_days_after + feeds.due_time
        ) as expected_by
    from expected_and_received
    left join feeds on expected_and_received.feed = feeds.feed
    left join device_zones
        on
            expected_and_received.source = device_zones.source
            and expected_and_received.device_id = device_zones.device_id
)

select
    delivery_id,
    feed,
    source,
    channel,
    kind,
    business_date,
    device_id,
    line_id,
    expected_by,
    received_at,
    delivered_at,
    case
        when state = 'missing' then 'missing'
        when state = 'duplicate' then 'duplicate'
        when state = 'retracted' then 'retracted'
        when state = 'unreadable' then 'rejected'
        when is_superseded then 'revised'
        when delivered_at > expected_by then 'late'
        when rejected_row_count > 0 or state = 'empty' then 'partial'
        else 'on_time'
    end as status,
    reason,
    file_name,
    sha256,
    byte_count,
    row_count,
    rejected_row_count,
    revision
from due
order by business_date, feed, device_id, received_at
