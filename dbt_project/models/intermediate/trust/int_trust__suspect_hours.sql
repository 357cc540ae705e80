{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with entrance_hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        hour_start_at,
        expected_mask,
        hour(hour_local) as local_hour,
        expected_mask <> 0 as is_open,
        expected_mask <> 0 and received_mask = expected_mask and entry_count is not null as is_received,
        coalesce(entry_count, 0) + coalesce(exit_count, 0) as people_count,
        coalesce(open_entry_count, 0) + coalesce(open_exit_count, 0) as open_people_count
    from {{ ref('int_traffic__counter_hours') }}
    where placement = 'entrance' and {{ only_days_and_before('business_date', affected_days(), 28) }}
),

living_days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date
    from entrance_hours
    group by source, device_id, line_id, branch_code, business_date
    having sum(people_count) > 0
),

history as (
    select entrance_hours.*
    from entrance_hours
    inner join living_days
        on
            entrance_hours.source = living_days.source
            and entrance_hours.device_id = living_days.device_id
            and entrance_hours.line_id = living_days.line_id
            and entrance_hours.branch_code = living_days.branch_code
            and entrance_hours.business_date = living_days.business_date
    where entrance_hours.is_received
),

judged_hours as (
    select
        *,
        is_received and people_count = 0 as is_silent
    from entrance_hours
    where is_open and {{ only_days('business_date', affected_days()) }}
),

-- Silent hours that follow each other in the open hours of a day share a run number.
numbered_hours as (
    select
        *,
        row_number() over (
            partition by source, device_id, line_id, branch_code, business_date
            order by hour_start_at
        ) - row_number() over (
            partition by source, device_id, line_id, branch_code, business_date, is_silent
            order by hour_start_at
        ) as run_number
    from judged_hours
),

silent_hours as (
    select * from numbered_hours
    where is_silent
),

neighbour_hours as (
    select
        silent_hours.source as silent_source,
        silent_hours.device_id as silent_device_id,
        silent_hours.line_id as silent_line_id,
        silent_hours.run_number,
        judged_hours.source,
        judged_hours.device_id,
        judged_hours.line_id,
        judged_hours.branch_code,
        judged_hours.business_date,
        judged_hours.local_hour,
        judged_hours.open_people_count
    from silent_hours
    inner join judged_hours
        on
            silent_hours.branch_code = judged_hours.branch_code
            and silent_hours.hour_start_at = judged_hours.hour_start_at
    where
        (silent_hours.source, silent_hours.device_id, silent_hours.line_id)
        <> (judged_hours.source, judged_hours.device_id, judged_hours.line_id)
),

-- Cheap first: a run is worth judging only if somebody walked next door.
noticeable_runs as (
    select
        silent_source as source,
        silent_device_id as device_id,
        silent_line_id as line_id,
        branch_code,
        business_date,
        run_number,
        sum(open_people_count) as neighbour_count
    from neighbour_hours
    group by all
    having sum(open_people_count) > 0
),

noticeable_hours as (
    select
        silent_hours.*,
        noticeable_runs.neighbour_count
    from silent_hours
    inner join noticeable_runs
        on
            silent_hours.source = noticeable_runs.source
            and silent_hours.device_id = noticeable_runs.device_id
            and silent_hours.line_id = noticeable_runs.line_id
            and silent_hours.branch_code = noticeable_runs.branch_code
            and silent_hours.business_date = noticeable_runs.business_date
            and silent_hours.run_number = noticeable_runs.run_number
),

missed_runs as (
    select
        noticeable_hours.source,
        noticeable_hours.device_id,
        noticeable_hours.line_id,
        noticeable_hours.branch_code,
        noticeable_hours.business_date,
        noticeable_hours.run_number,
        any_value(noticeable_hours.neighbour_count) as neighbour_count,
        sum(own.usual_count) as usual_count
    from noticeable_hours
    inner join {{ baselines('noticeable_hours', 'history') }} as own
        on
            noticeable_hours.source = own.source
            and noticeable_hours.device_id = own.device_id
            and noticeable_hours.line_id = own.line_id
            and noticeable_hours.branch_code = own.branch_code
            and noticeable_hours.business_date = own.business_date
            and noticeable_hours.local_hour = own.local_hour
    group by all
    having sum(own.usual_count) >= 25
),

missed_neighbour_hours as (
    select neighbour_hours.*
    from neighbour_hours
    inner join missed_runs
        on
            neighbour_hours.silent_source = missed_runs.source
            and neighbour_hours.silent_device_id = missed_runs.device_id
            and neighbour_hours.silent_line_id = missed_runs.line_id
            and neighbour_hours.branch_code = missed_runs.branch_code
            and neighbour_hours.business_date = missed_runs.business_date
            and neighbour_hours.run_number = missed_runs.run_number
),

-- Holidays, lockdowns and quiet streets flag nobody: next door it must have gone on, by next door's own measure.
stuck_runs as (
    select
        missed_runs.source,
        missed_runs.device_id,
        missed_runs.line_id,
        missed_runs.branch_code,
        missed_runs.business_date,
        missed_runs.run_number
    from missed_runs
    inner join missed_neighbour_hours as next_door
        on
            missed_runs.source = next_door.silent_source
            and missed_runs.device_id = next_door.silent_device_id
            and missed_runs.line_id = next_door.silent_line_id
            and missed_runs.branch_code = next_door.branch_code
            and missed_runs.business_date = next_door.business_date
            and missed_runs.run_number = next_door.run_number
    inner join {{ baselines('missed_neighbour_hours', 'history') }} as usual
        on
            next_door.source = usual.source
            and next_door.device_id = usual.device_id
            and next_door.line_id = usual.line_id
            and next_door.branch_code = usual.branch_code
            and next_door.business_date = usual.business_date
            and next_door.local_hour = usual.local_hour
    group by all
    having
        sum(usual.usual_count) > 0
        and any_value(missed_runs.neighbour_count) >= sum(usual.usual_count) / 4
)

select
    silent_hours.source,
    silent_hours.device_id,
    silent_hours.line_id,
    silent_hours.branch_code,
    'entrance' as placement,
    silent_hours.business_date,
    silent_hours.hour_start_at,
    expected_mask as suspect_mask,
    'stuck_zero' as state,
    'stuck_at_zero' as reason
from silent_hours
inner join stuck_runs
    on
        silent_hours.source = stuck_runs.source
        and silent_hours.device_id = stuck_runs.device_id
        and silent_hours.line_id = stuck_runs.line_id
        and silent_hours.branch_code = stuck_runs.branch_code
        and silent_hours.business_date = stuck_runs.business_date
        and silent_hours.run_number = stuck_runs.run_number
order by silent_hours.business_date, silent_hours.source, silent_hours.device_id, silent_hours.line_id, silent_hours.hour_start_at
