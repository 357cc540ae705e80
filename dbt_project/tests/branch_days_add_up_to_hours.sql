-- A branch-day without daily-grain counters is the sum of its hours.
with hours as (
    select
        branch_code,
        business_date,
        sum(entry_count) as entry_count,
        bool_or(status in ('complete', 'partial') and entry_count is null) as has_uncounted_hours
    from {{ ref('fct_branch_traffic_hourly') }}
    where {{ in_days_of_run('business_date', affected_days()) }}
    group by branch_code, business_date
)

select
    days.branch_code,
    days.business_date,
    days.entry_count,
    hours.entry_count as hourly_entry_count
from {{ ref('fct_branch_traffic_daily') }} as days
inner join hours
    on
        days.branch_code = hours.branch_code
        and days.business_date = hours.business_date
where
    not hours.has_uncounted_hours
    and days.status <> 'unknown'
    and days.entry_count is distinct from hours.entry_count
    and {{ in_days_of_run('days.business_date', affected_days()) }}
