{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with intervals as (
    select * from {{ ref('int_traffic__counter_intervals') }}
    where {{ only_days('business_date', touched_days()) }}
),

recorded_hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        hour_start_at,
        feed
    from {{ ref('int_traffic__counter_hours') }}
    where feed is not null and {{ only_days('business_date', touched_days()) }}
),

-- Hours first: the join below then meets 24 rows a counter-day, not one a minute.
delivered_hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        feed,
        delivery_id,
        case when interval_minutes <= 60 then hour_start_at end as hour_start_at,
        count(*) as row_count,
        min(row_number) filter (where row_number > 0) as first_row_number,
        max(row_number) filter (where row_number > 0) as last_row_number,
        sum(entry_count)::bigint as entry_count,
        sum(exit_count)::bigint as exit_count,
        min(interval_start_at) as first_interval_at,
        max(interval_start_at) as last_interval_at
    from intervals
    group by all
),

-- What a feed said of an hour for which another feed is of record stands nowhere. An interval longer than an hour
-- stands where its feed is of record for any hour of the day.
standing as (
    select delivered_hours.*
    from delivered_hours
    semi join recorded_hours
        on
            delivered_hours.source = recorded_hours.source
            and delivered_hours.device_id = recorded_hours.device_id
            and delivered_hours.line_id = recorded_hours.line_id
            and delivered_hours.branch_code is not distinct from recorded_hours.branch_code
            and delivered_hours.placement is not distinct from recorded_hours.placement
            and delivered_hours.business_date = recorded_hours.business_date
            and delivered_hours.feed = recorded_hours.feed
            and coalesce(delivered_hours.hour_start_at, recorded_hours.hour_start_at) = recorded_hours.hour_start_at
),

-- A delivery of a neighbouring day can reach into this one where clocks differ, so all days are looked through.
files as (
    select
        delivery_id,
        min(file_name) as file_name,
        min(sha256) as sha256,
        min(delivered_at) as delivered_at
    from {{ ref('fct_delivery') }}
    where
        status not in ('missing', 'duplicate')
        and delivery_id in (select standing.delivery_id from standing)
    group by delivery_id
)

select
    standing.source,
    standing.device_id,
    standing.line_id,
    standing.branch_code,
    standing.placement,
    standing.business_date,
    standing.feed,
    standing.delivery_id,
    any_value(files.file_name) as file_name,
    any_value(files.sha256) as sha256,
    any_value(files.delivered_at) as delivered_at,
    min(standing.first_row_number)::bigint as first_row_number,
    max(standing.last_row_number)::bigint as last_row_number,
    sum(standing.row_count)::bigint as row_count,
    sum(standing.entry_count)::bigint as entry_count,
    sum(standing.exit_count)::bigint as exit_count,
    min(standing.first_interval_at) as first_interval_at,
    max(standing.last_interval_at) as last_interval_at
from standing
left join files on standing.delivery_id = files.delivery_id
group by
    standing.source,
    standing.device_id,
    standing.line_id,
    standing.branch_code,
    standing.placement,
    standing.business_date,
    standing.feed,
    standing.delivery_id
order by standing.business_date, standing.source, standing.device_id, standing.line_id, standing.delivery_id
