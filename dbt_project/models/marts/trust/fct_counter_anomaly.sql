{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_days as (
    select
        *,
        entry_count + coalesce(exit_count, 0) as people_count,
        1 - (open_entry_count + coalesce(open_exit_count, 0))
        / nullif(entry_count + coalesce(exit_count, 0), 0) as closed_people_ratio,
        expected_minutes > 0 and received_minutes = expected_minutes as is_complete
    from {{ ref('int_traffic__counter_days') }}
    where
        branch_code is not null
        and entry_count is not null
        and {{ only_days_and_before('business_date', affected_days(), 28) }}
),

sales_days as (
    select
        branch_code,
        business_date,
        sum(transaction_count) as transaction_count
    from {{ ref('int_conversion__sales_hours') }}
    where {{ only_days_and_before('business_date', affected_days(), 28) }}
    group by branch_code, business_date
),

suspect_hours as (
    select * from {{ ref('int_trust__suspect_hours') }}
    where {{ only_days_and_before('business_date', affected_days(), 28) }}
),

clock_steps as (
    select * from {{ ref('int_trust__clock_steps') }}
    where {{ only_days('business_date', affected_days()) }}
),

suspect_days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        reason as kind,
        max(observed_value) as observed_value,
        round(sum(usual_value), 1) as usual_value,
        max(score) as score,
        sum(bit_count(suspect_mask))::integer as minutes
    from suspect_hours
    where {{ only_days('business_date', affected_days()) }}
    group by source, device_id, line_id, branch_code, business_date, reason
),

explained_days as (
    select distinct
        source,
        device_id,
        line_id,
        branch_code,
        business_date
    from suspect_hours
),

-- Only days that are complete and beyond suspicion are judged, or judge others.
judged_days as (
    select
        counter_days.*,
        {{ only_days('counter_days.business_date', affected_days()) }} as is_judged
    from counter_days
    anti join explained_days
        on
            counter_days.source = explained_days.source
            and counter_days.device_id = explained_days.device_id
            and counter_days.line_id = explained_days.line_id
            and counter_days.branch_code = explained_days.branch_code
            and counter_days.business_date = explained_days.business_date
    where counter_days.is_complete
),

past_ways as (
    select
        *,
        ln((entry_count + 0.5) / (exit_count + 0.5)) as way_ratio,
        avg(ln((entry_count + 0.5) / (exit_count + 0.5))) over (
            partition by source, device_id, line_id, branch_code, placement
            order by business_date
            rows between 4 preceding and current row
        ) as lasting_way_ratio,
        count(*) over past as past_days,
        median(exit_count) over past as usual_exits,
        median(ln((entry_count + 0.5) / (exit_count + 0.5))) over past as usual_way_ratio,
        quantile_cont(ln((entry_count + 0.5) / (exit_count + 0.5)), 0.25) over past as way_ratio_low,
        quantile_cont(ln((entry_count + 0.5) / (exit_count + 0.5)), 0.75) over past as way_ratio_high,
        greatest(
            quantile_cont(closed_people_ratio, 0.75) over past, max(closed_people_ratio) over past_weekdays
        ) as closed_ratio_high
    from judged_days
    window
        past as (
            partition by source, device_id, line_id, branch_code, placement
            order by business_date
            range between interval 28 days preceding and interval 1 day preceding
        ),
        past_weekdays as (
            partition by source, device_id, line_id, branch_code, placement, isodow(business_date)
            order by business_date
            range between interval 28 days preceding and interval 1 day preceding
        )
),

imbalanced as (
    select
        *,
        sqrt(power((way_ratio_high - way_ratio_low) / 1.35, 2) + 1 / (entry_count + 1) + 1 / (exit_count + 1)) as spread,
        way_ratio - greatest(way_ratio_low, least(way_ratio, way_ratio_high)) as distance,
        lasting_way_ratio
        - greatest(way_ratio_low, least(lasting_way_ratio, way_ratio_high)) as lasting_distance,
        greatest(abs(distance), abs(lasting_distance) * sqrt(5)) / spread as score
    from past_ways
    where is_judged and past_days >= 10 and usual_exits >= 30 and people_count >= 60
),

open_ratios as (
    select
        *,
        closed_people_ratio - closed_ratio_high as excess,
        sqrt(greatest(closed_ratio_high, 0.005) / people_count) as spread
    from past_ways
    where past_days >= 7 and people_count >= 50
),

late_days as (
    select
        own.source,
        own.device_id,
        own.line_id,
        own.branch_code,
        own.business_date,
        own.closed_people_ratio,
        own.closed_ratio_high,
        own.excess / own.spread as score
    from open_ratios as own
    left join open_ratios as other
        on
            own.branch_code = other.branch_code
            and own.business_date = other.business_date
            and (own.source, own.device_id, own.line_id) <> (other.source, other.device_id, other.line_id)
    where
        own.is_judged
        and own.closed_people_ratio * own.people_count >= 20
        and own.excess >= greatest(0.08, 5 * own.spread)
    group by all
    having coalesce(max(other.excess), 0) < max(own.excess) / 2
),

expected_doors as (
    select
        branch_code,
        business_date,
        count(*) as door_count,
        bit_xor(hash(source, device_id, line_id)) as doors
    from {{ ref('int_traffic__counter_days') }}
    where
        placement = 'entrance'
        and expected_minutes > 0
        and {{ only_days_and_before('business_date', affected_days(), 28) }}
    group by branch_code, business_date
),

branch_days as (
    select
        branch_code,
        business_date,
        count(*) as door_count,
        sum(people_count) as people_count
    from judged_days
    where placement = 'entrance'
    group by branch_code, business_date
),

-- A door is measured against the branch's other doors; the only one against the till, where that tells.
doors as (
    select
        judged_days.*,
        expected_doors.doors,
        expected_doors.door_count,
        case
            when expected_doors.door_count = 1 then sales_days.transaction_count
            when expected_doors.door_count = branch_days.door_count
                then branch_days.people_count - judged_days.people_count
        end as measure_count
    from judged_days
    inner join expected_doors
        on
            judged_days.branch_code = expected_doors.branch_code
            and judged_days.business_date = expected_doors.business_date
    inner join branch_days
        on
            judged_days.branch_code = branch_days.branch_code
            and judged_days.business_date = branch_days.business_date
    left join sales_days
        on
            judged_days.branch_code = sales_days.branch_code
            and judged_days.business_date = sales_days.business_date
    where judged_days.placement = 'entrance' and judged_days.people_count > 0
),

shares as (
    select
        *,
        case when measure_count >= 20 then ln(people_count / measure_count) end as share
    from doors
),

levels as (
    select
        *,
        count(share) over past as past_shares,
        avg(share) over (
            partition by source, device_id, line_id, branch_code, doors
            order by business_date
            rows between 4 preceding and current row
        ) as lasting_share,
        quantile_cont(share, 0.15) over past as share_low,
        median(share) over past as usual_share,
        quantile_cont(share, 0.85) over past as share_high,
        count(*) over past_weekdays as past_weekday_count,
        median(people_count) over past_weekdays as usual_count
    from shares
    window
        past as (
            partition by source, device_id, line_id, branch_code, doors
            order by business_date
            range between interval 28 days preceding and interval 1 day preceding
        ),
        past_weekdays as (
            partition by source, device_id, line_id, branch_code, isodow(business_date)
            order by business_date
            range between interval 28 days preceding and interval 1 day preceding
        )
),

sales_levels as (
    select
        *,
        count(*) over past_weekdays as past_weekday_count,
        median(transaction_count) over past_weekdays as usual_count
    from sales_days
    window past_weekdays as (
        partition by branch_code, isodow(business_date)
        order by business_date
        range between interval 28 days preceding and interval 1 day preceding
    )
),

-- What the day did to the branch: the median of what it did to its doors and to its till, or nothing at all.
measured_levels as (
    select
        *,
        ln(people_count / usual_count) as change
    from levels
    where usual_count > 0 and past_weekday_count >= 2 and {{ only_days('business_date', affected_days()) }}
),

changes as (
    select
        branch_code,
        business_date,
        change
    from measured_levels
    union all
    select distinct
        measured_levels.branch_code,
        measured_levels.business_date,
        coalesce(ln(sales_levels.transaction_count / sales_levels.usual_count), 0) as change
    from measured_levels
    left join sales_levels
        on
            measured_levels.branch_code = sales_levels.branch_code
            and measured_levels.business_date = sales_levels.business_date
            and sales_levels.past_weekday_count >= 2
            and sales_levels.usual_count > 0
            and sales_levels.transaction_count > 0
),

branch_changes as (
    select
        branch_code,
        business_date,
        median(change) as change
    from changes
    group by branch_code, business_date
),

novel_levels as (
    select
        measured_levels.*,
        case
            when measured_levels.door_count = 1 then measured_levels.change
            else measured_levels.change - branch_changes.change
        end as own_change,
        sqrt(
            power((measured_levels.share_high - measured_levels.share_low) / 2.07, 2)
            + 1 / measured_levels.people_count
            + 1 / measured_levels.measure_count
        ) as spread,
        measured_levels.share
        - greatest(measured_levels.share_low, least(measured_levels.share, measured_levels.share_high)) as distance,
        measured_levels.lasting_share
        - greatest(
            measured_levels.share_low, least(measured_levels.lasting_share, measured_levels.share_high)
        ) as lasting_distance
    from measured_levels
    inner join branch_changes
        on
            measured_levels.branch_code = branch_changes.branch_code
            and measured_levels.business_date = branch_changes.business_date
    where measured_levels.is_judged and measured_levels.past_shares >= 10
),

-- At once where a day is far off; where it is not so far, once five days together are.
shifted_levels as (
    select
        *,
        greatest(abs(distance), abs(lasting_distance) * sqrt(5)) / spread as score
    from novel_levels
    where
        people_count + usual_count >= 60
        and own_change * sign(distance) >= greatest(0.2, if(door_count = 1, 0, abs(share - usual_share) / 2))
        and abs(distance) >= 1.5 * spread
        and (
            share - usual_share >= ln(if(door_count = 1, 1.6, 1.33))
            or share - usual_share <= ln(if(door_count = 1, 0.55, 0.67))
        )
),

level_shifts as (
    select * from shifted_levels
    where
        abs(distance) >= if(door_count = 1, 5, 4) * spread
        or (abs(lasting_distance) * sqrt(5) >= if(door_count = 1, 5, 4) * spread and lasting_distance * distance > 0)
),

-- Two that stand where the other used to stand. Their common change is the day's, half their difference the swap's.
swapped_pairs as (
    select
        one.source,
        one.device_id,
        one.line_id,
        one.branch_code,
        one.business_date,
        one.people_count,
        other.usual_count as other_usual_count,
        one.usual_count,
        other.device_id as other_device_id,
        abs((one.own_change - other.own_change) / 2 - ln(other.usual_count / one.usual_count)) as misfit,
        least(one.score, other.score) as score
    from shifted_levels as one
    inner join shifted_levels as other
        on
            one.business_date = other.business_date
            and (one.source, one.device_id, one.line_id) <> (other.source, other.device_id, other.line_id)
            and sign(one.distance) <> sign(other.distance)
    where
        abs(ln(other.usual_count / one.usual_count)) >= ln(2)
        and case
            when one.branch_code = other.branch_code
                then
                    abs((one.own_change - other.own_change) / 2 - ln(other.usual_count / one.usual_count))
                    <= greatest(0.25, abs(ln(other.usual_count / one.usual_count)) / 4)
            else
                one.score >= 4
                and other.score >= 4
                and abs(one.own_change - ln(other.usual_count / one.usual_count)) <= 0.2
                and abs(other.own_change - ln(one.usual_count / other.usual_count)) <= 0.2
        end
    qualify row_number() over (
        partition by one.source, one.device_id, one.line_id, one.branch_code, one.business_date
        order by one.branch_code = other.branch_code desc, round(misfit, 6) asc, other_device_id asc, other.line_id asc
    ) = 1
),

anomalies as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        kind,
        observed_value,
        usual_value,
        score,
        '' as other_device_id,
        true as is_excluded,
        case kind
            when 'stuck_at_zero'
                then
                    'Nobody in ' || minutes || ' open minutes in which about ' || round(usual_value)::bigint
                    || ' people were to be expected.'
            when 'stuck_at_value'
                then 'The same ' || observed_value::bigint || ' people in every interval of ' || minutes || ' minutes.'
            when 'clock_is_utc' then 'The day fits as it is only if the clock shows UTC.'
            else 'The day fits as it is only if the clock is ' || abs(observed_value)::bigint || ' hours off.'
        end as detail
    from suspect_days
    union all
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        'clock_step_back' as kind,
        max(step_minutes)::double as observed_value,
        0::double as usual_value,
        sum(step_count)::double as score,
        '' as other_device_id,
        false as is_excluded,
        'The clock steps back by ' || max(step_minutes) || ' min at line ' || min(row_number) || ' of its file.' as detail
    from clock_steps
    group by source, device_id, line_id, branch_code, business_date
    union all
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        'in_out_imbalance' as kind,
        exp(way_ratio) as observed_value,
        exp(usual_way_ratio) as usual_value,
        score,
        '' as other_device_id,
        false as is_excluded,
        entry_count || ' came in and ' || exit_count || ' went out.' as detail
    from imbalanced
    where
        abs(way_ratio - usual_way_ratio) >= ln(1.33)
        and abs(distance) >= 1.5 * spread
        and (
            abs(distance) >= 4 * spread
            or (abs(lasting_distance) * sqrt(5) >= 4 * spread and lasting_distance * distance > 0)
        )
    union all
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        'out_of_hours' as kind,
        closed_people_ratio as observed_value,
        closed_ratio_high as usual_value,
        score,
        '' as other_device_id,
        false as is_excluded,
        round(closed_people_ratio * 100)::bigint || ' % of the people came while the branch was closed.' as detail
    from late_days
    union all
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        'swapped' as kind,
        people_count::double as observed_value,
        usual_count as usual_value,
        score,
        other_device_id,
        false as is_excluded,
        people_count || ' people, where ' || other_device_id || ' usually has ' || round(other_usual_count)::bigint
        || ' and this counter ' || round(usual_count)::bigint || '.' as detail
    from swapped_pairs
    union all
    select
        shifted_levels.source,
        shifted_levels.device_id,
        shifted_levels.line_id,
        shifted_levels.branch_code,
        shifted_levels.business_date,
        'level_shift' as kind,
        shifted_levels.people_count::double as observed_value,
        shifted_levels.usual_count as usual_value,
        shifted_levels.score,
        '' as other_device_id,
        false as is_excluded,
        shifted_levels.people_count || ' people instead of about '
        || round(shifted_levels.people_count / exp(shifted_levels.own_change))::bigint || ', by '
        || if(shifted_levels.door_count = 1, 'the till', 'the other doors') || ' and its own past.' as detail
    from level_shifts as shifted_levels
    anti join swapped_pairs
        on
            shifted_levels.source = swapped_pairs.source
            and shifted_levels.device_id = swapped_pairs.device_id
            and shifted_levels.line_id = swapped_pairs.line_id
            and shifted_levels.branch_code = swapped_pairs.branch_code
            and shifted_levels.business_date = swapped_pairs.business_date
)

select
    source,
    device_id,
    line_id,
    branch_code,
    business_date,
    kind,
    round(observed_value, 6) as observed_value,
    round(usual_value, 6) as usual_value,
    round(score, 6) as score,
    other_device_id,
    is_excluded,
    detail
from anomalies
order by business_date, source, device_id, line_id, branch_code, kind
