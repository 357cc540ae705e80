{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_hours as (
    select * from {{ ref('int_traffic__counter_hours') }}
    where
        branch_code is not null
        and entry_count is not null
        and {{ only_days_and_before('business_date', affected_days(), 28) }}
),

counter_days as (
    select * from {{ ref('int_traffic__counter_days') }}
    where {{ only_days('business_date', affected_days()) }}
),

silent_days as (
    select distinct
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date
    from {{ ref('int_trust__silent_hours') }}
    where {{ only_days('business_date', affected_days()) }}
),

-- By the hour that the clock shows; a repeated hour is one. How much of it is closed tells who is out of hours.
hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        hour(hour_local) as local_hour,
        sum(entry_count + coalesce(exit_count, 0))::bigint as people_count,
        1 - least(sum(bit_count(expected_mask)), 60) / 60 as closed_ratio,
        max(epoch(hour_local) - epoch(hour_start_at))::bigint as offset_seconds
    from counter_hours
    group by source, device_id, line_id, branch_code, placement, business_date, hour(hour_local)
),

-- Where on a dial of 24 hours the day's people stand, as a vector: a clock that is wrong by h hours turns it by h.
days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        sum(people_count)::bigint as people_count,
        sum(people_count * closed_ratio) / sum(people_count) as closed_people_ratio,
        max(closed_ratio) > 0 as is_ever_closed,
        sum(people_count * cos(local_hour * pi() / 12)) / sum(people_count) as dial_x,
        sum(people_count * sin(local_hour * pi() / 12)) / sum(people_count) as dial_y,
        max(offset_seconds) filter (where local_hour >= 12) / 3600 as utc_offset_hours
    from hours
    group by source, device_id, line_id, branch_code, placement, business_date
    having sum(people_count) >= 20
),

compared_days as (
    select
        *,
        count(*) over past as past_days,
        quantile_cont(closed_people_ratio, 0.25) over past as usual_closed_ratio,
        sum(dial_x) over past as past_x,
        sum(dial_y) over past as past_y,
        degrees(atan2(
            dial_y * past_x - dial_x * past_y,
            dial_x * past_x + dial_y * past_y
        )) / 15 as turned_hours
    from days
    window past as (
        partition by source, device_id, line_id, branch_code, placement
        order by business_date
        range between interval 28 days preceding and interval 1 day preceding
    )
),

candidates as (
    select compared_days.*
    from compared_days
    inner join counter_days
        on
            compared_days.source = counter_days.source
            and compared_days.device_id = counter_days.device_id
            and compared_days.line_id = counter_days.line_id
            and compared_days.branch_code = counter_days.branch_code
            and compared_days.placement = counter_days.placement
            and compared_days.business_date = counter_days.business_date
    where
        compared_days.past_days >= 7
        and counter_days.expected_minutes > 0
        and counter_days.received_minutes * 2 >= counter_days.expected_minutes
        and (
            abs(compared_days.turned_hours) >= 0.5
            or compared_days.closed_people_ratio >= compared_days.usual_closed_ratio + 0.02
        )
),

candidate_hours as (
    select hours.*
    from hours
    semi join candidates
        on
            hours.source = candidates.source
            and hours.device_id = candidates.device_id
            and hours.line_id = candidates.line_id
            and hours.branch_code = candidates.branch_code
            and hours.placement = candidates.placement
            and hours.business_date = candidates.business_date
),

remembered_days as (
    select
        candidates.source,
        candidates.device_id,
        candidates.line_id,
        candidates.branch_code,
        candidates.placement,
        candidates.business_date,
        candidates.usual_closed_ratio,
        past.business_date as past_date,
        past.closed_people_ratio as past_closed_ratio
    from candidates
    inner join days as past
        on
            candidates.source = past.source
            and candidates.device_id = past.device_id
            and candidates.line_id = past.line_id
            and candidates.branch_code = past.branch_code
            and candidates.placement = past.placement
            and candidates.business_date > past.business_date
            and candidates.business_date <= past.business_date + 28
),

-- The counter's own past, of days that were about as seldom out of hours as its best ones, or as the best of their
-- weekday, which may open at the half hour. The day's own weekday counts most.
past_days as (
    select
        *,
        if(isodow(past_date) = isodow(business_date), 20, 1) as weight
    from remembered_days
    qualify past_closed_ratio <= 0.02 + greatest(
        usual_closed_ratio,
        min(past_closed_ratio) over (
            partition by source, device_id, line_id, branch_code, placement, business_date, isodow(past_date)
        )
    )
),

own_profiles as (
    select
        past_days.source,
        past_days.device_id,
        past_days.line_id,
        past_days.branch_code,
        past_days.placement,
        past_days.business_date,
        hours.local_hour,
        sum(past_days.weight * hours.people_count) as people_count
    from past_days
    inner join hours
        on
            past_days.source = hours.source
            and past_days.device_id = hours.device_id
            and past_days.line_id = hours.line_id
            and past_days.branch_code = hours.branch_code
            and past_days.placement = hours.placement
            and past_days.past_date = hours.business_date
    group by all
),

-- The other doors' same day: what special hours, holidays and weather make of a profile they show as well.
other_profiles as (
    select
        candidates.source,
        candidates.device_id,
        candidates.line_id,
        candidates.branch_code,
        candidates.placement,
        candidates.business_date,
        hours.local_hour,
        sum(hours.people_count) as people_count
    from candidates
    inner join hours
        on
            candidates.branch_code = hours.branch_code
            and candidates.business_date = hours.business_date
            and (candidates.source, candidates.device_id, candidates.line_id)
            <> (hours.source, hours.device_id, hours.line_id)
    group by all
),

profiles as (
    select
        *,
        false as is_others
    from own_profiles
    union all
    select
        *,
        true as is_others
    from other_profiles
),

dial as (
    select unnest(range(24)) as local_hour
),

-- Nothing is impossible: two in a hundred people may come at any hour.
expected_shares as (
    select
        profiles.source,
        profiles.device_id,
        profiles.line_id,
        profiles.branch_code,
        profiles.placement,
        profiles.business_date,
        profiles.is_others,
        dial.local_hour,
        0.98 * coalesce(sum(profiles.people_count) filter (where profiles.local_hour = dial.local_hour), 0)
        / sum(profiles.people_count) + 0.02 / 24 as share
    from profiles
    cross join dial
    group by all
    having sum(profiles.people_count) >= 50
),

-- A clock that is h hours ahead shows at hour x what happened at hour x - h. Judged within the hours that were told.
shifted as (
    select
        candidate_hours.source,
        candidate_hours.device_id,
        candidate_hours.line_id,
        candidate_hours.branch_code,
        candidate_hours.placement,
        candidate_hours.business_date,
        expected_shares.is_others,
        ((candidate_hours.local_hour - expected_shares.local_hour + 35) % 24 - 11)::integer as shift_hours,
        sum(candidate_hours.people_count * ln(expected_shares.share)) / sum(candidate_hours.people_count)
        - ln(sum(expected_shares.share)) as likelihood
    from candidate_hours
    inner join expected_shares
        on
            candidate_hours.source = expected_shares.source
            and candidate_hours.device_id = expected_shares.device_id
            and candidate_hours.line_id = expected_shares.line_id
            and candidate_hours.branch_code = expected_shares.branch_code
            and candidate_hours.placement = expected_shares.placement
            and candidate_hours.business_date = expected_shares.business_date
    group by all
),

gains as (
    select
        * exclude (likelihood),
        likelihood - max(likelihood) filter (where shift_hours = 0) over (
            partition by source, device_id, line_id, branch_code, placement, business_date, is_others
        ) as gain
    from shifted
),

-- Who would still be out of hours if the clock were wrong by so much.
closed_after as (
    select
        told.source,
        told.device_id,
        told.line_id,
        told.branch_code,
        told.placement,
        told.business_date,
        ((told.local_hour - happened.local_hour + 35) % 24 - 11)::integer as shift_hours,
        sum(told.people_count * happened.closed_ratio) / sum(told.people_count) as closed_people_ratio
    from candidate_hours as told
    inner join candidate_hours as happened
        on
            told.source = happened.source
            and told.device_id = happened.device_id
            and told.line_id = happened.line_id
            and told.branch_code = happened.branch_code
            and told.placement = happened.placement
            and told.business_date = happened.business_date
    group by all
),

judged as (
    select
        candidates.source,
        candidates.device_id,
        candidates.line_id,
        candidates.branch_code,
        candidates.placement,
        candidates.business_date,
        candidates.people_count,
        candidates.is_ever_closed,
        silent_days.device_id is not null as is_silent,
        own.shift_hours,
        own.gain,
        others.gain as gain_by_others,
        candidates.closed_people_ratio,
        candidates.usual_closed_ratio,
        closed_after.closed_people_ratio as closed_after_ratio,
        case
            when own.shift_hours = 12 then 'clock_12_hours_off'
            when own.shift_hours = -candidates.utc_offset_hours then 'clock_is_utc'
            else 'clock_shifted'
        end as reason,
        case reason
            when 'clock_12_hours_off' then 0.5
            when 'clock_is_utc' then 0.07
            else 0.5
        end as least_gain
    from candidates
    inner join gains as own
        on
            candidates.source = own.source
            and candidates.device_id = own.device_id
            and candidates.line_id = own.line_id
            and candidates.branch_code = own.branch_code
            and candidates.placement = own.placement
            and candidates.business_date = own.business_date
            and not own.is_others
            and own.shift_hours <> 0
    left join gains as others
        on
            own.source = others.source
            and own.device_id = others.device_id
            and own.line_id = others.line_id
            and own.branch_code = others.branch_code
            and own.placement = others.placement
            and own.business_date = others.business_date
            and own.shift_hours = others.shift_hours
            and others.is_others
    inner join closed_after
        on
            own.source = closed_after.source
            and own.device_id = closed_after.device_id
            and own.line_id = closed_after.line_id
            and own.branch_code = closed_after.branch_code
            and own.placement = closed_after.placement
            and own.business_date = closed_after.business_date
            and own.shift_hours = closed_after.shift_hours
    left join silent_days
        on
            candidates.source = silent_days.source
            and candidates.device_id = silent_days.device_id
            and candidates.line_id = silent_days.line_id
            and candidates.branch_code = silent_days.branch_code
            and candidates.placement = silent_days.placement
            and candidates.business_date = silent_days.business_date
),

-- Half a day of zeros moves the rest as well. Moved back, people must come inside opening hours. Without other doors
-- there must be more of them outside than chance puts there.
accepted as (
    select * from judged
    where
        gain >= least_gain
        and gain * people_count >= 15
        and not (is_silent and (reason = 'clock_shifted' or not is_ever_closed))
        and (closed_after_ratio <= closed_people_ratio - 0.015 or not is_ever_closed)
        and case
            when gain_by_others is not null then gain_by_others >= least_gain / 2
            else
                closed_people_ratio - usual_closed_ratio
                >= 0.02 + 4 * sqrt(greatest(usual_closed_ratio, 0.005) / people_count)
                and closed_after_ratio - usual_closed_ratio
                <= greatest(0.02, (closed_people_ratio - usual_closed_ratio) / 3)
        end
),

likeliest as (
    select * from accepted
    qualify row_number() over (
        partition by source, device_id, line_id, branch_code, placement, business_date
        order by round(gain - least_gain, 6) desc, abs(shift_hours) asc, shift_hours asc
    ) = 1
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    shift_hours,
    reason,
    round(gain, 6) as score,
    round(closed_people_ratio, 6) as closed_people_ratio,
    round(usual_closed_ratio, 6) as usual_closed_ratio
from likeliest
order by business_date, source, device_id, line_id
