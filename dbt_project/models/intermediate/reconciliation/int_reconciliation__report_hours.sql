{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with reports as (
    select * from {{ ref('stg_footfallcam__branch_reports') }}
    where {{ only_days('_business_date', affected_days()) }}
),

branches as (
    select * from {{ ref('stg_reference__branches') }}
),

branch_hours as (
    {{ indexed_hours(affected_days()) | indent(4) }}
),

counter_hours as (
    select
        *,
        if(is_count_excluded, 0, coalesce(open_entry_count, 0)) as counted_entries
    from {{ ref('int_trust__counter_hour_states') }}
    where placement = 'entrance' and {{ only_days('business_date', affected_days()) }}
),

counter_days as (
    select * from {{ ref('int_traffic__counter_days') }}
    where placement = 'entrance' and expected_minutes > 0 and {{ only_days('business_date', affected_days()) }}
),

-- The vendor writes our branch code as its site code (documented for sales) or as its site's id.
sited as (
    select
        reports.*,
        branches.branch_code,
        branches.timezone as branch_timezone,
        coalesce(nullif(reports.timezone, ''), branches.timezone) as row_timezone
    from reports
    inner join branches on coalesce(reports.site_code, '') = branches.branch_code
    union all
    select
        reports.*,
        branches.branch_code,
        branches.timezone as branch_timezone,
        coalesce(nullif(reports.timezone, ''), branches.timezone) as row_timezone
    from reports
    inner join branches on reports.site_id = branches.branch_code
    where coalesce(reports.site_code, '') not in (select named.branch_code from branches as named)
),

-- A newer answer about a site's day replaces the older one.
standing as (
    select * from sited
    qualify dense_rank() over (
        partition by feed, site_id, _business_date
        order by coalesce(_effective_at, _delivered_at) desc, _delivery_id desc
    ) = 1
),

-- A repeated hour that comes twice is told apart by the order of its rows.
timed as (
    select
        branch_code,
        branch_timezone,
        source,
        feed,
        interval_minutes,
        entry_count,
        _delivered_at,
        {{ first_instant('row_timezone', 'interval_start_local') }}
        + to_hours(if(interval_minutes > 60, 0, (row_number() over (
            partition by feed, site_id, interval_start_local
            order by _row_number
        ) - 1)::integer)) as interval_start_at
    from standing
),

report_hours as (
    select
        timed.branch_code,
        branch_hours.business_date,
        timed.feed,
        any_value(timed.source) as source,
        branch_hours.hour_index,
        branch_hours.hour_count,
        bool_or(timed.interval_minutes > 60) as is_daily,
        sum(timed.entry_count) as entry_count,
        max(timed._delivered_at) as delivered_at
    from timed
    inner join branch_hours
        on
            timed.branch_code = branch_hours.branch_code
            and timed.interval_start_at >= branch_hours.hour_start_at
            and timed.interval_start_at < branch_hours.hour_end_at
    group by all
),

report_days as (
    select
        branch_code,
        business_date,
        feed,
        any_value(source) as source,
        bool_or(is_daily) as is_daily,
        sum(entry_count) as entry_count,
        max(delivered_at) as delivered_at
    from report_hours
    group by branch_code, business_date, feed
),

-- What the branch's own figure is made of, hour by hour.
own_hours as (
    select
        branch_code,
        business_date,
        hour_start_at,
        sum(counted_entries) as entry_count,
        sum(if(is_count_excluded, 0, coalesce(entry_count, 0) - coalesce(open_entry_count, 0))) as out_entry_count,
        sum(coalesce(staff_count, 0)) as staff_count,
        sum(expected_minutes) as expected_minutes,
        sum(usable_minutes) as usable_minutes
    from counter_hours
    group by branch_code, business_date, hour_start_at
),

own_days as (
    select
        branch_code,
        business_date,
        sum(expected_minutes) as expected_minutes,
        sum(usable_minutes) as usable_minutes,
        sum(coalesce(staff_count, 0)) as staff_count,
        bool_or(open_entry_count is null and received_minutes > 0) as is_daily,
        coalesce(max(feed) filter (where feed <> ''), '') as last_feed,
        coalesce(min(feed) filter (where feed <> ''), '') as first_feed
    from counter_hours
    where expected_minutes > 0
    group by branch_code, business_date
),

own_day_counts as (
    select
        branch_code,
        business_date,
        coalesce(sum(open_entry_count), 0) as entry_count
    from counter_days
    group by branch_code, business_date
),

days as (
    select
        report_days.*,
        report_days.is_daily or coalesce(own_days.is_daily, false) as is_compared_by_day,
        case when own_days.first_feed <> own_days.last_feed then 'mixed' else coalesce(own_days.first_feed, '') end
            as feed_of_record,
        hash(report_days.branch_code, report_days.business_date, report_days.feed) as unit_key
    from report_days
    left join own_days
        on
            report_days.branch_code = own_days.branch_code
            and report_days.business_date = own_days.business_date
),

day_hours as (
    select
        days.*,
        branch_hours.hour_start_at,
        branch_hours.hour_end_at,
        branch_hours.hour_index,
        branch_hours.hour_count,
        branch_hours.open_mask,
        branch_hours.open_mask <> branch_hours.hour_mask as is_partly_open,
        coalesce(own_hours.entry_count, 0) as own_count,
        coalesce(own_hours.out_entry_count, 0) as own_out_count,
        coalesce(own_hours.staff_count, 0) as staff_count,
        coalesce(own_hours.expected_minutes, 0) as expected_minutes,
        coalesce(own_hours.usable_minutes, 0) as usable_minutes
    from days
    inner join branch_hours
        on
            days.branch_code = branch_hours.branch_code
            and days.business_date = branch_hours.business_date
    left join own_hours
        on
            branch_hours.branch_code = own_hours.branch_code
            and branch_hours.hour_start_at = own_hours.hour_start_at
    where not days.is_compared_by_day
),

-- The vendor's clock stands as side b here, so that a positive shift means that the report shows hours later.
clock_hours as (
    select
        day_hours.unit_key,
        day_hours.hour_index,
        day_hours.hour_count,
        (day_hours.own_count + day_hours.own_out_count)::double as value_a,
        coalesce(report_hours.entry_count, 0)::double as value_b
    from day_hours
    left join report_hours
        on
            day_hours.branch_code = report_hours.branch_code
            and day_hours.business_date = report_hours.business_date
            and day_hours.feed = report_hours.feed
            and day_hours.hour_index = report_hours.hour_index
),

{{ clock_shifts() }},

aligned as (
    select
        day_hours.*,
        coalesce(clock_shifts.shift_hours, 0) as shift_hours,
        report_hours.entry_count as report_count,
        min(day_hours.hour_index) filter (where report_hours.entry_count > 0) over by_unit as first_index,
        max(day_hours.hour_index) filter (where report_hours.entry_count > 0) over by_unit as last_index
    from day_hours
    left join clock_shifts on day_hours.unit_key = clock_shifts.unit_key
    left join report_hours
        on
            day_hours.branch_code = report_hours.branch_code
            and day_hours.business_date = report_hours.business_date
            and day_hours.feed = report_hours.feed
            and report_hours.hour_index = {{ unaligned_hour(
                'day_hours.hour_index', 'coalesce(clock_shifts.shift_hours, 0)', 'day_hours.hour_count'
            ) }}
    window by_unit as (partition by day_hours.unit_key)
),

-- Open hours without people before the report's first or after its last: up to three a side are another opening hour.
edged as (
    select
        *,
        coalesce(report_count, 0) as said_count,
        coalesce(report_count, 0) = 0
        and (hour_index < first_index or hour_index > last_index)
        and hour_end_at <= delivered_at as is_edge,
        count(*) filter (where own_count > 0 and hour_index < first_index) over by_unit as before_count,
        count(*) filter (where own_count > 0 and hour_index > last_index) over by_unit as after_count
    from aligned
    window by_unit as (partition by unit_key)
),

judged as (
    select
        *,
        case
            when hour_index + shift_hours not between 0 and hour_count - 1 then 'another_day'
            when expected_minutes = 0 and open_mask = 0 then 'closed'
            when expected_minutes = 0 then 'uncovered'
            when is_edge and hour_index < first_index and before_count <= 3 then 'closed'
            when is_edge and hour_index > last_index and after_count <= 3 then 'closed'
            when report_count is null then 'uncovered'
            when usable_minutes < expected_minutes and said_count > own_count then 'uncovered'
            when is_partly_open and said_count > own_count and own_out_count > 0 then 'partly_open'
            else 'comparable'
        end as standing
    from edged
),

parted as (
    select
        *,
        if(standing = 'another_day', said_count - own_count, 0) as difference_clock,
        if(standing = 'uncovered', said_count - own_count, 0) as difference_coverage,
        case standing
            when 'closed' then said_count - own_count
            when 'partly_open' then least(said_count - own_count, own_out_count)
            else 0
        end as difference_out_of_hours,
        if(standing in ('comparable', 'partly_open'), own_count, 0) as comparable_own
    from judged
),

compared as (
    select
        branch_code,
        business_date,
        feed,
        hour_start_at,
        said_count as value_a,
        own_count as value_b,
        difference_clock,
        difference_coverage,
        difference_out_of_hours,
        comparable_own
        + said_count - own_count - difference_clock - difference_coverage - difference_out_of_hours as comparable_a,
        comparable_own as comparable_b,
        if(standing = 'comparable', staff_count, 0) as staff_count,
        standing = 'comparable' as is_comparable,
        shift_hours,
        feed_of_record
    from parted
    where said_count <> 0 or own_count <> 0
    union all by name
    select
        days.branch_code,
        days.business_date,
        days.feed,
        first_hours.hour_start_at,
        days.entry_count as value_a,
        coalesce(own_day_counts.entry_count, 0) as value_b,
        0 as difference_clock,
        if(coalesce(own_days.usable_minutes < own_days.expected_minutes, true) and value_a > value_b, value_a - value_b, 0)
            as difference_coverage,
        0 as difference_out_of_hours,
        value_a - difference_coverage as comparable_a,
        value_b as comparable_b,
        coalesce(own_days.staff_count, 0) as staff_count,
        coalesce(own_days.usable_minutes = own_days.expected_minutes, false) as is_comparable,
        0 as shift_hours,
        days.feed_of_record
    from days
    inner join branch_hours as first_hours
        on
            days.branch_code = first_hours.branch_code
            and days.business_date = first_hours.business_date
            and first_hours.hour_index = 0
    left join own_days
        on
            days.branch_code = own_days.branch_code
            and days.business_date = own_days.business_date
    left join own_day_counts
        on
            days.branch_code = own_day_counts.branch_code
            and days.business_date = own_day_counts.business_date
    where days.is_compared_by_day
)

select
    'vendor_report' as kind,
    'entry_count' as measure,
    branch_code,
    business_date,
    feed as feed_a,
    feed_of_record as feed_b,
    '' as unit,
    hour_start_at,
    value_a::decimal(18, 2) as value_a,
    value_b::decimal(18, 2) as value_b,
    difference_clock::decimal(18, 2) as difference_clock,
    difference_coverage::decimal(18, 2) as difference_coverage,
    difference_out_of_hours::decimal(18, 2) as difference_out_of_hours,
    comparable_a::decimal(18, 2) as comparable_a,
    comparable_b::decimal(18, 2) as comparable_b,
    staff_count::decimal(18, 2) as staff_count,
    is_comparable,
    shift_hours::integer as clock_shift_hours,
    feed_of_record
from compared
order by business_date, branch_code, feed_a, hour_start_at
