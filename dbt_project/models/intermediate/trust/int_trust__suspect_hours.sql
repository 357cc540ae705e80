{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_hours as (
    select
        *,
        expected_mask & received_mask as judged_mask
    from {{ ref('int_traffic__counter_hours') }}
    where branch_code is not null and {{ only_days('business_date', affected_days()) }}
),

silent_hours as (
    select * from {{ ref('int_trust__silent_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

clock_days as (
    select * from {{ ref('int_trust__clock_days') }}
    where {{ only_days('business_date', affected_days()) }}
),

equal_runs as (
    select * from {{ ref('int_trust__equal_runs') }}
    where {{ only_days_and_before('business_date', affected_days(), 28) }}
),

long_runs as (
    select * from equal_runs
    where interval_count >= 4 and {{ only_days('business_date', affected_days()) }}
),

-- A long run of the past says nothing about chance: it would excuse itself on the days after.
ordinary_pairs as (
    select
        *,
        pair_count - if(interval_count > 8, interval_count - 1, 0) as ordinary_pair_count,
        equal_count - if(interval_count > 8, interval_count - 1, 0) as ordinary_equal_count
    from equal_runs
),

-- How often this counter counts the same twice in a row, among numbers as large, in its own past.
repetitions as (
    select
        long_runs.source,
        long_runs.device_id,
        long_runs.line_id,
        long_runs.branch_code,
        long_runs.placement,
        long_runs.business_date,
        long_runs.feed,
        long_runs.magnitude,
        coalesce(sum(past.ordinary_equal_count) filter (where past.magnitude = long_runs.magnitude), 0) as equal_count,
        coalesce(sum(past.ordinary_pair_count) filter (where past.magnitude = long_runs.magnitude), 0) as pair_count
    from long_runs
    inner join ordinary_pairs as past
        on
            long_runs.source = past.source
            and long_runs.device_id = past.device_id
            and long_runs.line_id = past.line_id
            and long_runs.branch_code = past.branch_code
            and long_runs.placement = past.placement
            and long_runs.feed = past.feed
            and long_runs.business_date > past.business_date
            and long_runs.business_date <= past.business_date + 28
    group by
        long_runs.source,
        long_runs.device_id,
        long_runs.line_id,
        long_runs.branch_code,
        long_runs.placement,
        long_runs.business_date,
        long_runs.feed,
        long_runs.magnitude
    having sum(past.ordinary_pair_count) >= 30
),

-- In nats: how rare it is that any interval of a day begins such a run by chance.
frozen_runs as (
    select
        long_runs.*,
        round(
            (long_runs.interval_count - 1)
            * -ln(greatest((repetitions.equal_count + 2) / (repetitions.pair_count + 4), 0.03))
            - ln(1440 / long_runs.interval_minutes), 6
        ) as score
    from long_runs
    inner join repetitions
        on
            long_runs.source = repetitions.source
            and long_runs.device_id = repetitions.device_id
            and long_runs.line_id = repetitions.line_id
            and long_runs.branch_code = repetitions.branch_code
            and long_runs.placement = repetitions.placement
            and long_runs.business_date = repetitions.business_date
            and long_runs.feed = repetitions.feed
            and long_runs.magnitude = repetitions.magnitude
    where score >= ln(10000)
),

suspects as (
    select
        counter_hours.source,
        counter_hours.device_id,
        counter_hours.line_id,
        counter_hours.branch_code,
        counter_hours.placement,
        counter_hours.business_date,
        counter_hours.hour_start_at,
        counter_hours.judged_mask as suspect_mask,
        'stuck_value' as state,
        'stuck_at_value' as reason,
        (frozen_runs.entry_count + frozen_runs.exit_count)::double as observed_value,
        null::double as usual_value,
        frozen_runs.score
    from frozen_runs
    inner join counter_hours
        on
            frozen_runs.source = counter_hours.source
            and frozen_runs.device_id = counter_hours.device_id
            and frozen_runs.line_id = counter_hours.line_id
            and frozen_runs.branch_code = counter_hours.branch_code
            and frozen_runs.placement = counter_hours.placement
            and frozen_runs.business_date = counter_hours.business_date
            and frozen_runs.feed = counter_hours.feed
            and frozen_runs.ended_at > counter_hours.hour_start_at
            and frozen_runs.started_at < counter_hours.hour_start_at + interval 1 hour
    where counter_hours.judged_mask <> 0
    union all
    select
        counter_hours.source,
        counter_hours.device_id,
        counter_hours.line_id,
        counter_hours.branch_code,
        counter_hours.placement,
        counter_hours.business_date,
        counter_hours.hour_start_at,
        counter_hours.judged_mask as suspect_mask,
        'clock_suspect' as state,
        clock_days.reason,
        clock_days.shift_hours::double as observed_value,
        0::double as usual_value,
        clock_days.score
    from clock_days
    inner join counter_hours
        on
            clock_days.source = counter_hours.source
            and clock_days.device_id = counter_hours.device_id
            and clock_days.line_id = counter_hours.line_id
            and clock_days.branch_code = counter_hours.branch_code
            and clock_days.placement = counter_hours.placement
            and clock_days.business_date = counter_hours.business_date
    anti join frozen_runs
        on
            clock_days.source = frozen_runs.source
            and clock_days.device_id = frozen_runs.device_id
            and clock_days.line_id = frozen_runs.line_id
            and clock_days.branch_code = frozen_runs.branch_code
            and clock_days.placement = frozen_runs.placement
            and clock_days.business_date = frozen_runs.business_date
    where counter_hours.judged_mask <> 0
    union all
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        hour_start_at,
        suspect_mask,
        'stuck_zero' as state,
        'stuck_at_zero' as reason,
        0::double as observed_value,
        usual_count as usual_value,
        score
    from silent_hours
),

-- A frozen value explains any profile, and a wrong clock explains silence in open hours.
explained as (
    select * from suspects
    qualify row_number() over (
        partition by source, device_id, line_id, branch_code, placement, hour_start_at
        order by
            case state when 'stuck_value' then 1 when 'clock_suspect' then 2 else 3 end,
            score desc,
            observed_value asc
    ) = 1
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    hour_start_at,
    suspect_mask,
    state,
    reason,
    observed_value,
    usual_value,
    score
from explained
order by business_date, source, device_id, line_id, hour_start_at
