with readings as (
    select * from {{ ref('stg_xovis__live') }}
    union all
    select * from {{ ref('stg_xovis__legacy') }}
),

-- Of the readings after midnight the first closes the day before; of several in one minute the last counts.
minutes as (
    select
        *,
        date_trunc('minute', reading_at) as minute_at
    from readings
    where entry_total is not null
    qualify
        (not is_closing or row_number() over (
            partition by source, feed, _business_date, device_id, line_id, is_closing
            order by reading_at, _delivery_id
        ) = 1)
        and row_number() over (
            partition by source, feed, _business_date, device_id, line_id, is_closing, date_trunc('minute', reading_at)
            order by reading_at desc, _delivery_id desc
        ) = 1
),

-- Within a business day only: its first reading says where counting stood, not what was counted.
steps as (
    select
        *,
        lag(minute_at) over day_readings as previous_at,
        lag(entry_total) over day_readings as previous_entry_total,
        lag(exit_total) over day_readings as previous_exit_total
    from minutes
    window day_readings as (
        partition by source, feed, _business_date, device_id, line_id
        order by minute_at, is_closing
    )
),

-- A counter that fell was reset, each judged by itself. What it counted since then is known and stands in the last
-- minute; what came before the reset is lost, and its minutes stay missing.
counted as (
    select
        *,
        entry_total < previous_entry_total or coalesce(exit_total < previous_exit_total, false) as has_reset,
        case
            when entry_total < previous_entry_total then entry_total
            else entry_total - previous_entry_total
        end as entry_count,
        case when exit_total < previous_exit_total then exit_total else exit_total - previous_exit_total end as exit_count
    from steps
    where previous_at < minute_at
)

select
    source,
    feed,
    _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    device_id,
    line_id,
    timezone('UTC', case when has_reset then minute_at - interval 1 minute else previous_at end) as interval_start_local,
    case
        when has_reset then 1
        else cast(date_diff('minute', previous_at, minute_at) as integer)
    end as interval_minutes,
    cast(entry_count as bigint) as entry_count,
    cast(exit_count as bigint) as exit_count,
    null::bigint as staff_count,
    'UTC' as timezone,
    false as is_kept_when_nonexistent,
    false as is_replacing_device_day,
    true as is_dense
from counted
