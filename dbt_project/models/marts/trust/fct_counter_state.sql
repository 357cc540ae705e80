{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with counter_hours as (
    select * from {{ ref('int_trust__counter_hour_states') }}
    where {{ only_days('business_date', affected_days()) }}
),

-- Each installed minute stands under exactly one of these.
marked as (
    select
        *,
        'closed' as minute_state,
        installed_mask & ~expected_mask as mask
    from counter_hours
    where branch_code is not null
    union all
    select
        *,
        'not_installed' as minute_state,
        living_mask as mask
    from counter_hours
    where branch_code is null
    union all
    select
        *,
        if(is_late, 'received_late', 'received') as minute_state,
        usable_mask & ~silent_mask as mask
    from counter_hours
    union all
    select
        *,
        'zero_sparse' as minute_state,
        silent_mask as mask
    from counter_hours
    union all
    select
        *,
        suspect_state as minute_state,
        suspect_mask as mask
    from counter_hours
    union all
    select
        *,
        'delivery_rejected' as minute_state,
        refused_mask as mask
    from counter_hours
    union all
    select
        *,
        missing_state as minute_state,
        expected_mask & ~usable_mask & ~suspect_mask & ~refused_mask as mask
    from counter_hours
),

described as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        hour_start_at,
        minute_state as state,
        {{ minute_reason('minute_state', 'missing_state', 'suspect_reason') }} as reason,
        if(minute_state in ('received', 'received_late', 'zero_sparse', 'not_installed', suspect_state), feed, '') as feed,
        mask
    from marked
    where mask <> 0
),

bits as (
    select unnest(range(60))::integer as minute
),

whole_hours as (
    select
        *,
        hour_start_at as started_at,
        60 as minutes
    from described
    where mask = {{ minute_mask('0', '60') }}
),

parts_of_hours as (
    select
        described.*,
        described.hour_start_at + to_minutes(bits.minute) as started_at,
        bit_count((((described.mask >> bits.minute) + 1) & ~(described.mask >> bits.minute)) - 1)::integer as minutes
    from described
    cross join bits
    where
        described.mask <> {{ minute_mask('0', '60') }}
        and ((described.mask >> bits.minute) & 1) = 1
        and (((described.mask << 1) >> bits.minute) & 1) = 0
),

runs as (
    select * from whole_hours
    union all
    select * from parts_of_hours
),

followed as (
    select
        *,
        state = lag(state) over by_time
        and reason = lag(reason) over by_time
        and feed = lag(feed) over by_time
        and started_at = lag(started_at + to_minutes(minutes)) over by_time as is_continued
    from runs
    window by_time as (
        partition by source, device_id, line_id, branch_code, placement, business_date
        order by started_at
    )
),

numbered as (
    select
        *,
        count(*) filter (where is_continued is not true) over (
            partition by source, device_id, line_id, branch_code, placement, business_date
            order by started_at
        ) as span_number
    from followed
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    min(started_at) as started_at,
    max(started_at + to_minutes(minutes)) as ended_at,
    sum(minutes)::integer as minutes,
    state,
    reason,
    feed
from numbered
group by source, device_id, line_id, branch_code, placement, business_date, state, reason, feed, span_number
order by business_date, source, device_id, line_id, started_at
