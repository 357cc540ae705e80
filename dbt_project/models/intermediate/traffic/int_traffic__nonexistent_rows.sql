{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('_business_date', touched_days()) }}",
    )
}}

with
-- Few days skip an hour, and only their rows need to be placed. Rows with a zone of their own are always looked at.
reference_dates as (
    select distinct
        zones.counter_timezone as timezone,
        days.business_date as local_date
    from {{ ref('int_traffic__placements') }} as zones
    cross join {{ ref('stg_ledger__known_days') }} as days
    where {{ only_days('days.business_date', touched_days()) }}
),

skipping_dates as (
    select distinct local_date
    from {{ zone_days('reference_dates') }}
    where is_skipping
),

counts as (
    select * from {{ ref('stg_files__counts') }}
    where
        not is_kept_when_nonexistent
        and (timezone <> '' or _business_date in (select skipping_dates.local_date from skipping_dates))
        and {{ only_days('_business_date', touched_days()) }}
),

{{ located_counts() }}

select
    source,
    feed,
    _business_date,
    device_id,
    row_line_id as line_id,
    interval_start_local,
    _delivery_id as delivery_id,
    _row_number as line_number
from timed
where is_in_change and is_skipping
order by _business_date, source, device_id, _row_number
