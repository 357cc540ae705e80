{#
    CTEs that place count rows in space and time. Needs a CTE `counts` (columns of stg_files__counts); gives `timed`:
    each row with its counter (the line's own placement row, else the whole device's), its zone (row, else counter,
    else UTC) and what its local day's clock change means for it. Rows of counters that hang nowhere are kept.
#}
{% macro located_counts() %}
placements as (
    select * from {{ ref('int_traffic__placements') }}
),

-- Validity on the row's own clock, so that rows join by comparing local times.
device_lines as (
    select distinct
        source,
        device_id,
        line_id,
        timezone
    from counts
),

row_placements as (
    select
        device_lines.source,
        device_lines.device_id,
        device_lines.line_id,
        device_lines.timezone,
        placements.line_id as counter_line_id,
        placements.branch_code,
        placements.placement,
        placements.is_reversed,
        placements.branch_timezone,
        coalesce(nullif(device_lines.timezone, ''), placements.counter_timezone) as row_timezone,
        timezone(
            coalesce(nullif(device_lines.timezone, ''), placements.counter_timezone), placements.valid_from_at
        ) as from_local,
        timezone(
            coalesce(nullif(device_lines.timezone, ''), placements.counter_timezone), placements.valid_to_at
        ) as until_local
    from device_lines
    inner join placements
        on
            device_lines.source = placements.source
            and device_lines.device_id = placements.device_id
            and (device_lines.line_id = placements.line_id or placements.line_id = '')
),

line_placements as (
    select * from row_placements
    where counter_line_id = line_id
),

device_placements as (
    select * from row_placements
    where counter_line_id <> line_id
),

located as (
    select
        counts.source,
        counts.feed,
        counts.device_id,
        counts.line_id as row_line_id,
        counts._business_date,
        counts._delivery_id,
        counts._row_number,
        counts._delivered_at,
        coalesce(counts._effective_at, counts._delivered_at) as _effective_at,
        counts.interval_start_local,
        cast(counts.interval_start_local as date) as local_date,
        epoch_us(counts.interval_start_local) as local_us,
        counts.interval_minutes,
        counts.entry_count,
        counts.exit_count,
        counts.staff_count,
        counts.is_kept_when_nonexistent,
        counts.is_replacing_device_day,
        counts.is_dense,
        coalesce(line_placements.counter_line_id, device_placements.counter_line_id, counts.line_id) as line_id,
        coalesce(line_placements.branch_code, device_placements.branch_code) as branch_code,
        coalesce(line_placements.placement, device_placements.placement) as placement,
        coalesce(line_placements.is_reversed, device_placements.is_reversed, false) as is_reversed,
        coalesce(
            line_placements.row_timezone, device_placements.row_timezone, nullif(counts.timezone, ''), 'UTC'
        ) as timezone,
        coalesce(
            line_placements.branch_timezone, device_placements.branch_timezone, nullif(counts.timezone, ''), 'UTC'
        ) as branch_timezone
    from counts
    left join line_placements
        on
            counts.source = line_placements.source
            and counts.device_id = line_placements.device_id
            and counts.line_id = line_placements.line_id
            and counts.timezone = line_placements.timezone
            and counts.interval_start_local >= line_placements.from_local
            and counts.interval_start_local < line_placements.until_local
    left join device_placements
        on
            counts.source = device_placements.source
            and counts.device_id = device_placements.device_id
            and counts.line_id = device_placements.line_id
            and counts.timezone = device_placements.timezone
            and counts.interval_start_local >= device_placements.from_local
            and counts.interval_start_local < device_placements.until_local
),

zone_dates as (
    select distinct
        timezone,
        local_date
    from located
),

timed as (
    select
        located.*,
        zone_days.day_start_at,
        zone_days.offset_before,
        zone_days.offset_after,
        coalesce(located.interval_start_local >= zone_days.change_until_local, false) as is_after_change,
        coalesce(
            located.interval_start_local >= zone_days.change_from_local
            and located.interval_start_local < zone_days.change_until_local,
            false
        ) as is_in_change,
        zone_days.is_repeating,
        zone_days.is_skipping
    from located
    inner join {{ zone_days('zone_dates') }} as zone_days
        on
            located.timezone = zone_days.timezone
            and located.local_date = zone_days.local_date
)
{% endmacro %}
