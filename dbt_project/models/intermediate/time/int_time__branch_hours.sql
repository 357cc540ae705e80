{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with branches as (
    select * from {{ ref('stg_reference__branches') }}
),

opening_hours as (
    select * from {{ ref('stg_reference__opening_hours') }}
),

special_days as (
    select * from {{ ref('stg_reference__special_days') }}
),

days as (
    select business_date
    from {{ ref('stg_ledger__known_days') }}
    where {{ only_days('business_date', touched_days()) }}
),

placements as (
    select * from {{ ref('int_traffic__placements') }}
),

sales_days as (
    select distinct
        branch_code,
        business_date
    from {{ ref('int_conversion__sales_rows') }}
    where branch_code is not null and {{ only_days('business_date', touched_days()) }}
),

zone_dates as (
    select distinct
        branches.timezone,
        days.business_date as local_date
    from branches
    cross join days
),

-- A day that ends after midnight opens minutes of the next one, so each business day looks at two calendar days.
calendar_days as (
    select
        branches.branch_code,
        branches.timezone,
        days.business_date,
        days.business_date - step.days_back as calendar_date
    from branches
    cross join days
    cross join (values (0), (1)) as step (days_back)
),

own_special_days as (
    select distinct
        branch_code,
        calendar_date
    from special_days
),

common_special_days as (
    select * from own_special_days
    where branch_code = '*'
),

scheduled_branches as (
    select distinct branch_code
    from opening_hours
),

-- What the calendar day follows: its own special rows, else those of all branches, else the weekday's.
followed_days as (
    select
        calendar_days.*,
        coalesce(own_special_days.branch_code, common_special_days.branch_code) as special_code,
        scheduled_branches.branch_code is not null as has_schedule
    from calendar_days
    left join own_special_days
        on
            calendar_days.branch_code = own_special_days.branch_code
            and calendar_days.calendar_date = own_special_days.calendar_date
    left join common_special_days on calendar_days.calendar_date = common_special_days.calendar_date
    left join scheduled_branches on calendar_days.branch_code = scheduled_branches.branch_code
),

opened_days as (
    select
        followed_days.*,
        special_days.opens_minute,
        special_days.closes_minute
    from followed_days
    inner join special_days
        on
            followed_days.special_code = special_days.branch_code
            and followed_days.calendar_date = special_days.calendar_date
    where special_days.opens_minute is not null
    union all
    select
        followed_days.*,
        opening_hours.opens_minute,
        opening_hours.closes_minute
    from followed_days
    inner join opening_hours
        on
            followed_days.branch_code = opening_hours.branch_code
            and isodow(followed_days.calendar_date) = opening_hours.weekday
    where
        followed_days.special_code is null
        and followed_days.calendar_date >= coalesce(opening_hours.valid_from_local, timestamp '1900-01-01')
        and followed_days.calendar_date < coalesce(opening_hours.valid_to_local, timestamp '2900-01-01')
    union all
    select
        followed_days.*,
        0 as opens_minute,
        1440 as closes_minute
    from followed_days
    where followed_days.special_code is null and not followed_days.has_schedule
),

windows as (
    select
        branch_code,
        business_date,
        {{ first_instant("timezone", "(cast(calendar_date as timestamp) + to_minutes(opens_minute))") }} as opens_at,
        timezone(timezone, cast(calendar_date as timestamp) + to_minutes(closes_minute)) as closes_at
    from opened_days
    where calendar_date = business_date or closes_minute > 1440
),

hours as (
    select
        branches.branch_code,
        branches.timezone,
        zone_days.local_date as business_date,
        zone_days.day_end_at,
        zone_days.day_start_at + to_hours(unnest(range(
            (({{ minutes_between('zone_days.day_start_at', 'zone_days.day_end_at') }} + 59) // 60)::integer
        ))::integer) as hour_start_at,
        coalesce(timezone(branches.timezone, branches.opened_at_local), zone_days.day_start_at) as opened_at,
        coalesce(timezone(branches.timezone, branches.closed_at_local), zone_days.day_end_at) as closed_at
    from branches
    inner join {{ zone_days('zone_dates') }} as zone_days on branches.timezone = zone_days.timezone
    where
        (
            zone_days.local_date >= coalesce(branches.opened_at_local::date, date '1900-01-01')
            and zone_days.local_date <= coalesce(branches.closed_at_local, timestamp '2900-01-01') - interval 1 second
        )
        or exists (
            select 1 from placements
            where
                placements.branch_code = branches.branch_code
                and placements.valid_from_at < zone_days.day_end_at
                and placements.valid_to_at > zone_days.day_start_at
        )
        or exists (
            select 1 from sales_days
            where
                sales_days.branch_code = branches.branch_code
                and sales_days.business_date = zone_days.local_date
        )
),

open_hours as (
    select
        hours.branch_code,
        hours.hour_start_at,
        bit_or({{ span_mask('hours.hour_start_at', 'windows.opens_at', 'windows.closes_at') }}) as window_mask
    from hours
    inner join windows
        on
            hours.branch_code = windows.branch_code
            and hours.business_date = windows.business_date
    group by hours.branch_code, hours.hour_start_at
),

masked as (
    select
        hours.branch_code,
        hours.timezone,
        hours.business_date,
        hours.hour_start_at,
        least(hours.hour_start_at + interval 1 hour, hours.day_end_at) as hour_end_at,
        timezone(hours.timezone, hours.hour_start_at) as hour_local,
        {{ span_mask('hours.hour_start_at', 'hours.hour_start_at', 'hours.day_end_at') }} as hour_mask,
        coalesce(open_hours.window_mask, 0)
        & {{ span_mask('hours.hour_start_at', 'hours.opened_at', 'hours.closed_at') }} as open_mask
    from hours
    left join open_hours
        on
            hours.branch_code = open_hours.branch_code
            and hours.hour_start_at = open_hours.hour_start_at
)

select
    branch_code,
    timezone,
    business_date,
    hour_start_at,
    hour_end_at,
    hour_local,
    hour_mask,
    open_mask & hour_mask as open_mask,
    bit_count(open_mask & hour_mask)::integer as open_minutes
from masked
order by business_date, branch_code, hour_start_at
