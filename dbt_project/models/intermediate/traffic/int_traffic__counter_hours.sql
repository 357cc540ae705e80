{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', touched_days()) }}",
    )
}}

with expected_hours as (
    select * from {{ ref('int_traffic__installed_hours') }}
    where {{ only_days('business_date', touched_days()) }}
),

candidates as (
    select * from {{ ref('int_traffic__feed_hours') }}
    where {{ only_days('business_date', touched_days()) }}
),

device_days as (
    select * from {{ ref('int_trust__device_days') }}
    where {{ only_days('business_date', touched_days()) }}
),

feeds as (
    select * from {{ ref('stg_ledger__feeds') }}
),

deliveries as (
    select * from {{ ref('stg_ledger__deliveries') }}
    where {{ only_days('business_date', touched_days()) }}
),

rejected_rows as (
    select * from {{ ref('stg_files__rejected_rows') }}
    where interval_start_local is not null and {{ only_days('_business_date', touched_days()) }}
),

-- Source of record: the most complete, then the one that knows the hour, then declared precedence.
recorded as (
    select * from candidates
    qualify row_number() over (
        partition by source, device_id, line_id, branch_code, placement, hour_start_at
        order by
            bit_count(covered_mask & expected_mask) desc,
            entry_count is not null desc,
            bit_count(covered_mask) desc,
            precedence asc nulls last,
            feed asc
    ) = 1
),

covered_by_any as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        hour_start_at,
        bit_or(covered_mask) as covered_mask
    from candidates
    where row_count > 0
    group by all
),

files as (
    select distinct
        delivery_id,
        device_id
    from deliveries
),

-- Rows that could not be read, at the minutes they stand for. In a repeated hour they stand for both passes.
rejected_hours as (
    select
        expected_hours.source,
        expected_hours.device_id,
        expected_hours.line_id,
        expected_hours.branch_code,
        expected_hours.placement,
        expected_hours.hour_start_at,
        bit_or(case
            when feeds.grain_minutes > 60 then expected_hours.installed_mask
            else {{ minute_mask(
                'minute(rejected_rows.interval_start_local)',
                'minute(rejected_rows.interval_start_local) + feeds.grain_minutes'
            ) }}
        end) as rejected_mask
    from rejected_rows
    inner join feeds on rejected_rows.feed = feeds.feed
    left join files
        on rejected_rows._delivery_id = files.delivery_id
    inner join expected_hours
        on
            rejected_rows.source = expected_hours.source
            and coalesce(nullif(rejected_rows.device_id, ''), files.device_id) = expected_hours.device_id
            and date_trunc('hour', case
                when expected_hours.counter_timezone = expected_hours.branch_timezone or feeds.grain_minutes > 60
                    then rejected_rows.interval_start_local
                else timezone(
                    expected_hours.branch_timezone,
                    timezone(expected_hours.counter_timezone, rejected_rows.interval_start_local)
                )
            end) = case
                when feeds.grain_minutes > 60 then date_trunc('day', expected_hours.hour_local)
                else expected_hours.hour_local
            end
    group by all
),

combined as (
    select
        expected_hours.source,
        expected_hours.device_id,
        expected_hours.line_id,
        expected_hours.branch_code,
        expected_hours.placement,
        expected_hours.business_date,
        expected_hours.hour_start_at,
        expected_hours.hour_local,
        expected_hours.counter_timezone as timezone,
        expected_hours.installed_mask,
        expected_hours.expected_mask,
        -- Silence says zero (sparse feeds), but not for a minute whose row was refused.
        (
            coalesce(recorded.told_mask, 0)
            | (coalesce(recorded.covered_mask, 0) & ~coalesce(rejected_hours.rejected_mask, 0))
        ) & expected_hours.expected_mask as received_mask,
        coalesce(covered_by_any.covered_mask, 0) as living_mask,
        coalesce(recorded.people_mask, 0) as people_mask,
        received_mask & ~coalesce(recorded.told_mask, 0) as silent_mask,
        coalesce(rejected_hours.rejected_mask, 0) as rejected_mask,
        device_days.missing_state,
        recorded.feed,
        coalesce(recorded.row_count, 0) as row_count,
        case when recorded.row_count > 0 or received_mask <> 0 then recorded.entry_count end as entry_count,
        case when recorded.row_count > 0 or received_mask <> 0 then recorded.exit_count end as exit_count,
        recorded.staff_count,
        case when recorded.row_count > 0 or received_mask <> 0 then recorded.open_entry_count end as open_entry_count,
        case when recorded.row_count > 0 or received_mask <> 0 then recorded.open_exit_count end as open_exit_count,
        recorded.delivered_at,
        coalesce(recorded.is_ambiguous_local, false) as is_ambiguous_local,
        coalesce(recorded.delivered_at > timezone(
            expected_hours.counter_timezone,
            expected_hours.business_date + recorded.due_days_after + recorded.due_time
        ), false) as is_late
    from expected_hours
    inner join device_days
        on
            expected_hours.source = device_days.source
            and expected_hours.device_id = device_days.device_id
            and expected_hours.business_date = device_days.business_date
    left join recorded
        on
            expected_hours.source = recorded.source
            and expected_hours.device_id = recorded.device_id
            and expected_hours.line_id = recorded.line_id
            and expected_hours.branch_code = recorded.branch_code
            and expected_hours.placement = recorded.placement
            and expected_hours.hour_start_at = recorded.hour_start_at
    left join covered_by_any
        on
            expected_hours.source = covered_by_any.source
            and expected_hours.device_id = covered_by_any.device_id
            and expected_hours.line_id = covered_by_any.line_id
            and expected_hours.branch_code = covered_by_any.branch_code
            and expected_hours.placement = covered_by_any.placement
            and expected_hours.hour_start_at = covered_by_any.hour_start_at
    left join rejected_hours
        on
            expected_hours.source = rejected_hours.source
            and expected_hours.device_id = rejected_hours.device_id
            and expected_hours.line_id = rejected_hours.line_id
            and expected_hours.branch_code = rejected_hours.branch_code
            and expected_hours.placement = rejected_hours.placement
            and expected_hours.hour_start_at = rejected_hours.hour_start_at
    union all by name
    select
        source,
        device_id,
        line_id,
        business_date,
        hour_start_at,
        0 as installed_mask,
        0 as expected_mask,
        0 as received_mask,
        covered_mask as living_mask,
        people_mask,
        0 as silent_mask,
        0 as rejected_mask,
        feed,
        row_count,
        entry_count,
        exit_count,
        staff_count,
        delivered_at,
        is_ambiguous_local,
        false as is_late
    from recorded
    where branch_code is null
)

select * from combined
order by business_date, source, device_id, line_id, hour_start_at
