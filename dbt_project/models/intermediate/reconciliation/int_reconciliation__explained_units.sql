{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with hours as (
    select * from {{ ref('int_reconciliation__overlap_hours') }}
    where {{ only_days('business_date', affected_days()) }}
    union all by name
    select * from {{ ref('int_reconciliation__report_hours') }}
    where {{ only_days('business_date', affected_days()) }}
    union all by name
    select * from {{ ref('int_reconciliation__sales_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

counter_hours as (
    select
        *,
        concat_ws('/', source, device_id, nullif(line_id, '')) as counter,
        if(is_count_excluded, 0, coalesce(open_entry_count, 0)) as counted_entries
    from {{ ref('int_trust__counter_hour_states') }}
    where {{ only_days('business_date', affected_days()) }}
),

placements as (
    select * from {{ ref('int_traffic__placements') }}
),

units as (
    select
        hash(kind, measure, branch_code, business_date, feed_a, feed_b, unit) as unit_key,
        kind,
        measure,
        branch_code,
        business_date,
        feed_a,
        feed_b,
        unit,
        sum(value_a) as value_a,
        sum(value_b) as value_b,
        sum(difference_clock) as difference_clock,
        sum(difference_coverage) as difference_coverage,
        sum(difference_out_of_hours) as difference_out_of_hours,
        any_value(clock_shift_hours) as clock_shift_hours,
        any_value(feed_of_record) as feed_of_record
    from hours
    group by all
),

comparable_hours as (
    select
        hash(kind, measure, branch_code, business_date, feed_a, feed_b, unit) as unit_key,
        kind,
        branch_code,
        business_date,
        hour_start_at,
        comparable_a::double as value_a,
        comparable_b::double as value_b,
        staff_count::double as staff_count,
        count(*) over (partition by kind, measure, branch_code, business_date, feed_a, feed_b, unit) as hour_count
    from hours
    where is_comparable
),

-- Only what does not agree anyway looks for a reason.
doubtful as (
    select
        unit_key,
        any_value(kind) as kind,
        any_value(branch_code) as branch_code,
        any_value(business_date) as business_date,
        any_value(hour_count) as hour_count,
        sum(abs(value_a - value_b)) as misfit,
        bool_or(staff_count > 0) as has_staff,
        {{ reconciliation_tolerance('sum(value_a)', 'sum(value_b)') }} as tolerance
    from comparable_hours
    group by unit_key
    having sum(abs(value_a - value_b)) > 0
),

report_days as (
    select distinct
        branch_code,
        business_date
    from doubtful
    where kind = 'vendor_report'
),

-- Counts of a device that hung nowhere then are looked for at the only branch where it ever hung.
homes_of_devices as (
    select
        source,
        device_id,
        min(branch_code) as branch_code
    from placements
    group by source, device_id
    having count(distinct branch_code) = 1
),

unplaced_hours as (
    select
        homes_of_devices.branch_code,
        counter_hours.business_date,
        counter_hours.hour_start_at,
        concat_ws('/', counter_hours.source, counter_hours.device_id) as counter,
        sum(coalesce(counter_hours.entry_count, 0)) as people
    from counter_hours
    inner join homes_of_devices
        on
            counter_hours.source = homes_of_devices.source
            and counter_hours.device_id = homes_of_devices.device_id
    where counter_hours.branch_code is null
    group by all
),

reported_hours as (
    select counter_hours.*
    from counter_hours
    inner join report_days
        on
            counter_hours.branch_code = report_days.branch_code
            and counter_hours.business_date = report_days.business_date
),

doors as (
    select
        branch_code,
        business_date,
        count(distinct counter) as door_count
    from reported_hours
    where placement = 'entrance' and expected_minutes > 0
    group by branch_code, business_date
),

-- Counters that the vendor may add up where we do not, or the other way round: each alone, and all of one placement.
counted_elsewhere as (
    select
        branch_code,
        business_date,
        hour_start_at,
        counter as told_by,
        sum(if(placement = 'entrance', -counted_entries, counted_entries)) as people
    from reported_hours
    where expected_minutes > 0
    group by all
    union all
    select
        branch_code,
        business_date,
        hour_start_at,
        'all ' || placement || ' counters' as told_by,
        sum(counted_entries) as people
    from reported_hours
    where placement in ('inner', 'outside') and expected_minutes > 0
    group by all
    union all
    select
        branch_code,
        business_date,
        hour_start_at,
        'all counters of ' || source as told_by,
        -sum(counted_entries) as people
    from reported_hours
    where placement = 'entrance' and expected_minutes > 0
    group by all
    union all
    select
        branch_code,
        business_date,
        hour_start_at,
        counter as told_by,
        people
    from unplaced_hours
),

-- A counter that is the branch's only door cannot be the one that is left out.
placement_guesses as (
    select
        doubtful.unit_key,
        counted_elsewhere.told_by,
        counted_elsewhere.hour_start_at,
        counted_elsewhere.people::double as people
    from doubtful
    inner join counted_elsewhere
        on
            doubtful.branch_code = counted_elsewhere.branch_code
            and doubtful.business_date = counted_elsewhere.business_date
    left join doors
        on
            doubtful.branch_code = doors.branch_code
            and doubtful.business_date = doors.business_date
    where doubtful.kind = 'vendor_report' and (counted_elsewhere.people > 0 or doors.door_count > 1)
),

named as (
    select
        unit_key,
        '' as told_by
    from doubtful
    union all
    select
        unit_key,
        told_by
    from placement_guesses
    group by all
    having sum(abs(people)) > 0
),

guesses as (
    select
        doubtful.unit_key,
        doubtful.misfit,
        doubtful.tolerance,
        doubtful.hour_count,
        named.told_by,
        signs.staff_sign
    from doubtful
    inner join named on doubtful.unit_key = named.unit_key
    inner join (values (0), (-1), (1)) as signs (staff_sign) on signs.staff_sign = 0 or doubtful.has_staff
),

-- What b would say with the reason; a scale is then of all of it, as a camera's factor is.
guessed_hours as (
    select
        guesses.*,
        comparable_hours.value_a,
        guesses.staff_sign * comparable_hours.staff_count as staff_part,
        coalesce(placement_guesses.people, 0) as placement_part,
        comparable_hours.value_b + staff_part + placement_part as adjusted_b
    from guesses
    inner join comparable_hours on guesses.unit_key = comparable_hours.unit_key
    left join placement_guesses
        on
            guesses.unit_key = placement_guesses.unit_key
            and guesses.told_by = placement_guesses.told_by
            and comparable_hours.hour_start_at = placement_guesses.hour_start_at
),

ratios as (
    select
        *,
        sum(value_a) over by_guess / nullif(sum(adjusted_b) over by_guess, 0) as ratio
    from guessed_hours
    window by_guess as (partition by unit_key, told_by, staff_sign)
),

fits as (
    select
        unit_key,
        told_by,
        staff_sign,
        any_value(misfit) as misfit,
        any_value(tolerance) as tolerance,
        any_value(hour_count) as hour_count,
        any_value(ratio) as ratio,
        sum(staff_part) as difference_staff,
        sum(placement_part) as difference_placement,
        sum(adjusted_b) as people_left,
        sum(value_a - adjusted_b) as difference_left,
        sum(abs(value_a - adjusted_b)) as misfit_left,
        sum(abs(value_a - ratio * adjusted_b)) as scaled_misfit,
        count(*) filter (where value_a > 0 and adjusted_b > 0) as busy_hour_count,
        avg(adjusted_b) as mean_b
    from ratios
    group by unit_key, told_by, staff_sign
),

-- A scale is one ratio in five hours or more, to within a person (or half a percent) an hour.
scaled as (
    select
        *,
        coalesce(
            busy_hour_count >= 5
            and ratio > 0
            and abs(ratio - 1) >= 0.01
            and abs(difference_left) > tolerance
            and scaled_misfit <= 0.25 * misfit_left
            and scaled_misfit <= greatest(1, 0.005 * mean_b) * busy_hour_count,
            false
        ) as is_scaled
    from fits
),

-- A reason is a series we hold, so it fits or it does not: what it leaves is a person an hour (but no more than a fifth
-- of the misfit) or a twentieth. Each must earn half a person an hour or a hundredth, so that the simplest wins.
chosen as (
    select
        *,
        if(is_scaled, scaled_misfit, misfit_left) as final_misfit,
        (staff_sign <> 0)::integer + (told_by <> '')::integer + is_scaled::integer as reason_count
    from scaled
    where
        (staff_sign = 0 and told_by = '')
        or (
            (told_by = '' or people_left > tolerance)
            and final_misfit
            <= if(hour_count < 3, tolerance::double, least(0.2 * misfit, greatest(0.05 * misfit, hour_count)))
        )
    qualify row_number() over (
        partition by unit_key
        order by
            round(final_misfit + reason_count * greatest(0.5 * hour_count, 0.01 * misfit), 6),
            reason_count,
            starts_with(told_by, 'all '),
            told_by,
            staff_sign
    ) = 1
),

explained as (
    select
        units.*,
        coalesce(chosen.difference_staff, 0)::decimal(18, 2) as difference_staff,
        coalesce(chosen.difference_placement, 0)::decimal(18, 2) as difference_placement,
        if(chosen.is_scaled, chosen.difference_left, 0)::decimal(18, 2) as difference_scale,
        if(chosen.is_scaled, round(chosen.ratio, 4), null) as scale_ratio,
        coalesce(chosen.told_by, '') as placement_counter
    from units
    left join chosen on units.unit_key = chosen.unit_key
)

select
    kind,
    measure,
    branch_code,
    business_date,
    feed_a,
    feed_b,
    unit,
    feed_of_record,
    value_a::decimal(18, 2) as value_a,
    value_b::decimal(18, 2) as value_b,
    difference_clock::decimal(18, 2) as difference_clock,
    difference_coverage::decimal(18, 2) as difference_coverage,
    difference_out_of_hours::decimal(18, 2) as difference_out_of_hours,
    difference_staff,
    difference_placement,
    coalesce(difference_scale, 0)::decimal(18, 2) as difference_scale,
    (
        value_a - value_b - difference_clock - difference_coverage - difference_out_of_hours - difference_staff
        - difference_placement - coalesce(difference_scale, 0)
    )::decimal(18, 2) as difference_unexplained,
    clock_shift_hours,
    scale_ratio::double as scale_ratio,
    placement_counter
from explained
order by business_date, branch_code, kind, measure, feed_a, feed_b, unit
