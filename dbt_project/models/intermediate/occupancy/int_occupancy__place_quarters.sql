{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with branch_hours as (
    select * from {{ ref('int_time__branch_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

-- A place is a branch behind its entrances, or a zone behind one inner counter (or line).
counter_hours as (
    select
        *,
        if(placement = 'inner', source, '') as place_source,
        if(placement = 'inner', device_id, '') as place_device_id,
        if(placement = 'inner', line_id, '') as place_line_id
    from {{ ref('int_trust__counter_hour_states') }}
    where placement in ('entrance', 'inner') and {{ only_days('business_date', affected_days()) }}
),

counter_quarters as (
    select
        *,
        if(placement = 'inner', source, '') as place_source,
        if(placement = 'inner', device_id, '') as place_device_id,
        if(placement = 'inner', line_id, '') as place_line_id
    from {{ ref('int_occupancy__counter_quarters') }}
    where {{ only_days('business_date', affected_days()) }}
),

-- Who is inside a shop that is open over midnight is not known at the day's first minute, nor at its last.
branch_days as (
    select
        branch_code,
        business_date,
        arg_min(open_mask, hour_start_at) & 1 <> 0
        or arg_max(open_mask & hour_mask & ~(hour_mask >> 1), hour_start_at) <> 0 as is_open_at_midnight
    from branch_hours
    group by branch_code, business_date
    having bit_or(open_mask) <> 0
),

place_hours as (
    select
        place_source,
        place_device_id,
        place_line_id,
        placement,
        branch_code,
        hour_start_at,
        sum(bit_count(expected_mask & {{ quarter_mask(0) }}))::integer as expected_0,
        sum(bit_count(usable_mask & {{ quarter_mask(0) }}))::integer as received_0,
        sum(bit_count(expected_mask & {{ quarter_mask(1) }}))::integer as expected_1,
        sum(bit_count(usable_mask & {{ quarter_mask(1) }}))::integer as received_1,
        sum(bit_count(expected_mask & {{ quarter_mask(2) }}))::integer as expected_2,
        sum(bit_count(usable_mask & {{ quarter_mask(2) }}))::integer as received_2,
        sum(bit_count(expected_mask & {{ quarter_mask(3) }}))::integer as expected_3,
        sum(bit_count(usable_mask & {{ quarter_mask(3) }}))::integer as received_3
    from counter_hours
    group by place_source, place_device_id, place_line_id, placement, branch_code, hour_start_at
),

quarters as (
    select unnest(range(4))::integer as quarter
),

expected_quarters as (
    select
        place_hours.place_source,
        place_hours.place_device_id,
        place_hours.place_line_id,
        place_hours.placement,
        branch_hours.branch_code,
        branch_hours.business_date,
        branch_hours.hour_start_at + to_minutes(15 * quarters.quarter) as quarter_start_at,
        branch_hours.hour_local + to_minutes(15 * quarters.quarter) as quarter_local,
        branch_hours.open_mask & {{ quarter_mask('quarters.quarter') }} <> 0 as is_open,
        [place_hours.expected_0, place_hours.expected_1, place_hours.expected_2, place_hours.expected_3][quarters.quarter + 1]
            as expected_minutes,
        [place_hours.received_0, place_hours.received_1, place_hours.received_2, place_hours.received_3][quarters.quarter + 1]
            as received_minutes
    from place_hours
    inner join branch_hours
        on
            place_hours.branch_code = branch_hours.branch_code
            and place_hours.hour_start_at = branch_hours.hour_start_at
    cross join quarters
    where branch_hours.hour_mask & {{ quarter_mask('quarters.quarter') }} <> 0
),

-- People of suspect hours are left out, as they are of the branch.
excluded_hours as (
    select * from counter_hours
    where is_count_excluded
),

counted_quarters as (
    select
        counter_quarters.place_source,
        counter_quarters.place_device_id,
        counter_quarters.place_line_id,
        counter_quarters.placement,
        counter_quarters.branch_code,
        counter_quarters.quarter_start_at,
        sum(counter_quarters.entry_count) as entry_count,
        sum(counter_quarters.exit_count) as exit_count,
        max(counter_quarters.grain_minutes) as grain_minutes,
        bool_and(counter_quarters.has_exits) as has_exits,
        bool_or(counter_quarters.is_within_interval) as is_within_interval
    from counter_quarters
    anti join excluded_hours
        on
            counter_quarters.source = excluded_hours.source
            and counter_quarters.device_id = excluded_hours.device_id
            and counter_quarters.line_id = excluded_hours.line_id
            and counter_quarters.branch_code = excluded_hours.branch_code
            and counter_quarters.placement = excluded_hours.placement
            and counter_quarters.hour_start_at = excluded_hours.hour_start_at
    group by
        counter_quarters.place_source,
        counter_quarters.place_device_id,
        counter_quarters.place_line_id,
        counter_quarters.placement,
        counter_quarters.branch_code,
        counter_quarters.quarter_start_at
),

place_quarters as (
    select
        expected_quarters.*,
        coalesce(counted_quarters.entry_count, 0) as entry_count,
        coalesce(counted_quarters.exit_count, 0) as exit_count,
        counted_quarters.grain_minutes,
        coalesce(counted_quarters.has_exits, true) as has_exits,
        coalesce(counted_quarters.is_within_interval, false) as is_within_interval
    from expected_quarters
    left join counted_quarters
        on
            expected_quarters.place_source = counted_quarters.place_source
            and expected_quarters.place_device_id = counted_quarters.place_device_id
            and expected_quarters.place_line_id = counted_quarters.place_line_id
            and expected_quarters.placement = counted_quarters.placement
            and expected_quarters.branch_code = counted_quarters.branch_code
            and expected_quarters.quarter_start_at = counted_quarters.quarter_start_at
    where expected_quarters.is_open or counted_quarters.entry_count + counted_quarters.exit_count > 0
),

running as (
    select
        place_quarters.*,
        branch_days.is_open_at_midnight,
        sum(place_quarters.expected_minutes) over so_far as expected_so_far,
        sum(place_quarters.received_minutes) over so_far as received_so_far,
        sum(place_quarters.entry_count) over so_far as entries_so_far,
        sum(place_quarters.exit_count) over so_far as exits_so_far,
        sum(place_quarters.entry_count) over whole_day as entries_of_day,
        sum(place_quarters.exit_count) over whole_day as exits_of_day,
        sum(place_quarters.expected_minutes) over whole_day as expected_of_day,
        sum(place_quarters.received_minutes) over whole_day as received_of_day,
        max(place_quarters.grain_minutes) over whole_day as grain_of_day,
        bool_and(place_quarters.has_exits) over whole_day as has_exits_of_day,
        min(place_quarters.quarter_start_at) filter (where place_quarters.is_open) over whole_day as opens_at
    from place_quarters
    inner join branch_days
        on
            place_quarters.branch_code = branch_days.branch_code
            and place_quarters.business_date = branch_days.business_date
    window
        whole_day as (
            partition by
                place_quarters.place_source, place_quarters.place_device_id, place_quarters.place_line_id,
                place_quarters.placement, place_quarters.branch_code, place_quarters.business_date
        ),
        so_far as (
            partition by
                place_quarters.place_source, place_quarters.place_device_id, place_quarters.place_line_id,
                place_quarters.placement, place_quarters.branch_code, place_quarters.business_date
            order by place_quarters.quarter_start_at
        )
),

balanced as (
    select
        *,
        entries_so_far - exits_so_far as balance,
        entries_of_day - exits_of_day as drift,
        received_of_day = expected_of_day and expected_of_day > 0 as is_day_complete,
        lag(entries_so_far) over by_known_end as entries_before,
        lag(exits_so_far) over by_known_end as exits_before
    from running
    window by_known_end as (
        partition by
            place_source, place_device_id, place_line_id, placement, branch_code, business_date, is_within_interval
        order by quarter_start_at
    )
),

judged as (
    select
        *,
        case
            when received_so_far = 0 and expected_so_far > 0 then 'unknown'
            when not has_exits_of_day then 'no_exits'
            when is_within_interval then 'within_interval'
            when received_so_far < expected_so_far then 'incomplete'
            when not is_day_complete then 'live'
            when is_open_at_midnight then 'open_at_midnight'
            when abs(drift) > {{ largest_drift() }} * greatest(entries_of_day, exits_of_day) then 'drift_too_large'
            else 'corrected'
        end as status
    from balanced
)

select
    place_source as source,
    place_device_id as device_id,
    place_line_id as line_id,
    placement,
    branch_code,
    business_date,
    quarter_start_at,
    quarter_local,
    is_open,
    quarter_start_at >= opens_at as is_since_opening,
    coalesce(grain_of_day, 0)::integer as grain_minutes,
    case
        when not is_within_interval and (received_minutes > 0 or expected_minutes = 0)
            then entries_so_far - coalesce(entries_before, 0)
    end::bigint as entry_count,
    case
        when not is_within_interval and has_exits_of_day and (received_minutes > 0 or expected_minutes = 0)
            then exits_so_far - coalesce(exits_before, 0)
    end::bigint as exit_count,
    case when status not in ('unknown', 'no_exits', 'within_interval') then greatest(balance, 0) end::bigint
        as occupancy_live,
    case
        when status = 'corrected'
            then round(greatest(
                balance
                - coalesce(drift * (entries_so_far + exits_so_far) / nullif(entries_of_day + exits_of_day, 0)::double, 0),
                0
            ), 3)
    end::double as occupancy_corrected,
    case when is_day_complete and has_exits_of_day then drift end::bigint as drift_at_close,
    entries_of_day::bigint as entries_of_day,
    received_so_far = expected_so_far as is_complete,
    is_within_interval,
    status
from judged
order by business_date, branch_code, placement, source, device_id, line_id, quarter_start_at
