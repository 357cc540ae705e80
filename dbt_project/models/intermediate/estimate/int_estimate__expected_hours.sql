{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        hour_start_at,
        hour(hour_local) as local_hour,
        isodow(business_date) as iso_weekday,
        business_date - date '2000-01-01' as day_number,
        expected_minutes,
        case when usable_minutes = expected_minutes then open_entry_count end as measured_count
    from {{ ref('int_trust__counter_hour_states') }}
    where
        placement = 'entrance'
        and expected_minutes > 0
        and {{ only_days_and_before('business_date', affected_days(), history_days()) }}
),

remembered as (
    select
        *,
        sum(measured_count) over same_hour_of_weekday as weekday_count,
        sum(expected_minutes) filter (where measured_count is not null) over same_hour_of_weekday as weekday_minutes,
        sum(measured_count) over same_hour as hour_count,
        sum(expected_minutes) filter (where measured_count is not null) over same_hour as hour_minutes,
        count(measured_count) over same_hour as known_days
    from hours
    window
        same_hour as (
            partition by source, device_id, line_id, branch_code, local_hour
            order by day_number
            range between {{ history_days() }} preceding and 1 preceding
        ),
        same_hour_of_weekday as (
            partition by source, device_id, line_id, branch_code, local_hour, iso_weekday
            order by day_number
            range between {{ history_days() }} preceding and 1 preceding
        )
),

asked as (
    select * from remembered
    where {{ only_days('business_date', affected_days()) }}
),

-- The weekday's level, spread by the profile of all days: steadier than one hour of four weeks alone.
levelled as (
    select
        *,
        hour_count / nullif(hour_minutes, 0) as people_per_minute,
        sum(weekday_count) over counter_day as weekday_total,
        sum({{ exact('hour_count / nullif(hour_minutes, 0) * weekday_minutes') }}) over counter_day
            as profile_total
    from asked
    window counter_day as (partition by source, device_id, line_id, branch_code, business_date)
),

usual as (
    select
        *,
        case
            when known_days < {{ habit_days() }} then null
            when weekday_minutes > 0 and profile_total > 0 then {{ exact(
                "(weekday_count + " ~ profile_weight() ~ " * 60 * people_per_minute * weekday_total"
                ~ " / profile_total::double) / (weekday_minutes + " ~ profile_weight() ~ " * 60) * expected_minutes"
            ) }}
            else {{ exact('people_per_minute * expected_minutes') }}
        end as usual_count
    from levelled
),

-- The other doors, where they were measured and have a usual of their own: all of the branch less oneself.
compared as (
    select
        *,
        if(usual_count is not null, measured_count, null) as told_count,
        if(measured_count is not null, usual_count, null) as told_usual
    from usual
),

neighboured as (
    select
        *,
        coalesce(sum(told_count) over branch_day, 0) - coalesce(sum(told_count) over counter_day, 0) as others_day_count,
        coalesce(sum(told_usual) over branch_day, 0) - coalesce(sum(told_usual) over counter_day, 0) as others_day_usual,
        coalesce(sum(told_count) over branch_hour, 0) - coalesce(told_count, 0) as others_hour_count,
        coalesce(sum(told_usual) over branch_hour, 0) - coalesce(told_usual, 0) as others_hour_usual
    from compared
    window
        branch_day as (partition by branch_code, business_date),
        counter_day as (partition by source, device_id, line_id, branch_code, business_date),
        branch_hour as (partition by branch_code, hour_start_at)
),

scaled as (
    select
        *,
        (others_day_count + {{ day_doubt() }}::double) / (others_day_usual::double + {{ day_doubt() }}) as day_factor
    from neighboured
)

select
    source,
    device_id,
    line_id,
    branch_code,
    business_date,
    hour_start_at,
    expected_minutes,
    measured_count,
    usual_count,
    {{ exact(
        "usual_count::double * (others_hour_count + " ~ hour_doubt() ~ "::double * day_factor)"
        ~ " / (others_hour_usual::double + " ~ hour_doubt() ~ ")"
    ) }} as expected_count
from scaled
order by business_date, source, device_id, line_id, hour_start_at
