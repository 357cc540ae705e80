with checks as (
    select
        *,
        lag(_received_at) over device_checks as previous_checked_at,
        lag(frames_processed) over device_checks as previous_frames_processed,
        lag(push_dropped_count) over device_checks as previous_push_dropped_count,
        lag(nullif(fw_version, '')) over device_checks as previous_fw_version,
        lag(uptime_sec) over device_checks as previous_uptime_sec
    from {{ source('xovis', 'status') }}
    window device_checks as (
        partition by _source, _feed, business_date, device_id
        order by _received_at, _delivery_id
    )
),

layers as (
    select
        *,
        serial <> '' or state <> '' or sensor_at is not null as is_reachable,
        state = 'OK' as is_state_ok,
        coalesce(is_clock_ok, false) and time_state <> 'ERROR' as is_time_ok,
        case
            when frames_processed is null then false
            when previous_frames_processed is null or uptime_sec < previous_uptime_sec then frames_processed > 0
            else frames_processed > previous_frames_processed
        end as is_counting,
        case
            when coalesce(push_agent_count, 0) = 0 then null
            else
                coalesce(push_last_successful_at >= push_last_failed_at, push_last_successful_at is not null)
                and coalesce(push_dropped_count <= previous_push_dropped_count, true)
        end as is_push_ok,
        case
            when newest_record_at is null then null
            else newest_record_at >= coalesce(sensor_at, _received_at) - interval 10 minutes
        end as is_fresh
    from checks
)

select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    _row_number,
    _received_at as checked_at,
    device_id,
    generation,
    serial,
    product,
    device_name,
    fw_version,
    coalesce(fw_version <> '' and previous_fw_version <> fw_version, false) as has_new_firmware,
    coalesce(uptime_sec < previous_uptime_sec, false) as has_rebooted,
    case
        when not is_reachable then 'reachable'
        when not is_state_ok then 'state'
        when not is_time_ok then 'clock'
        when not is_counting then 'frames'
        when not is_push_ok then 'push_agent'
        when not is_fresh then 'fresh'
        else ''
    end as failing_layer,
    is_reachable,
    is_state_ok,
    is_time_ok,
    is_counting,
    is_push_ok,
    is_fresh,
    state,
    clock_offset_seconds,
    time_zone,
    uptime_sec as uptime_seconds,
    last_downtime_sec as last_downtime_seconds,
    frames_processed as frame_count,
    round(
        (frames_processed - previous_frames_processed) / nullif(epoch(_received_at - previous_checked_at), 0), 2
    ) as frames_per_second,
    illumination,
    push_dropped_count,
    push_last_successful_at,
    stored_record_count,
    oldest_record_at,
    newest_record_at,
    last_reset_at,
    config_changed_at,
    failures,
    unknown_fields
from layers
