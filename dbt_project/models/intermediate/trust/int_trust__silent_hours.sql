{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with entrance_hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        hour_start_at,
        hour(hour_local) as local_hour,
        false as is_till,
        expected_mask,
        bit_count(expected_mask) as expected_minutes,
        case
            when entry_count is null then expected_mask else expected_mask & (~received_mask | people_mask)
        end as loud_mask,
        entry_count is not null and received_mask = expected_mask as is_received,
        coalesce(open_entry_count, 0) + coalesce(open_exit_count, 0) as people_count,
        people_count / expected_minutes as people_per_minute
    from {{ ref('int_traffic__counter_hours') }}
    where
        placement = 'entrance'
        and expected_mask <> 0
        and {{ only_days_and_before('business_date', affected_days(), 28) }}
),

sales_hours as (
    select * from {{ ref('int_conversion__sales_hours') }}
    where {{ only_days_and_before('business_date', affected_days(), 28) }}
),

-- A door that repeats itself for hours is no witness.
frozen_days as (
    select distinct
        source,
        device_id,
        line_id,
        branch_code,
        business_date
    from {{ ref('int_trust__equal_runs') }}
    where
        interval_count >= 4
        and ended_at - started_at >= interval 3 hours
        and {{ only_days('business_date', affected_days()) }}
),

sales_days as (
    select distinct
        branch_code,
        business_date
    from sales_hours
),

-- The till is one more witness of life, with transactions for people.
till_hours as (
    select
        '' as source,
        'till' as device_id,
        '' as line_id,
        entrance_hours.branch_code,
        entrance_hours.business_date,
        entrance_hours.hour_start_at,
        any_value(entrance_hours.local_hour) as local_hour,
        true as is_till,
        true as is_received,
        max(entrance_hours.expected_minutes) as expected_minutes,
        coalesce(any_value(sales_hours.transaction_count), 0) as people_count,
        coalesce(any_value(sales_hours.transaction_count), 0) / max(entrance_hours.expected_minutes) as people_per_minute
    from entrance_hours
    inner join sales_days
        on
            entrance_hours.branch_code = sales_days.branch_code
            and entrance_hours.business_date = sales_days.business_date
    left join sales_hours
        on
            entrance_hours.branch_code = sales_hours.branch_code
            and entrance_hours.business_date = sales_hours.business_date
            and entrance_hours.hour_start_at = sales_hours.hour_start_at
    group by entrance_hours.branch_code, entrance_hours.business_date, entrance_hours.hour_start_at
),

witness_hours as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        hour_start_at,
        local_hour,
        is_till,
        expected_minutes,
        people_count,
        people_per_minute
    from entrance_hours
    where is_received
    union all by name
    select * exclude (is_received) from till_hours
),

living_days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date
    from witness_hours
    group by source, device_id, line_id, branch_code, business_date
    having sum(people_count) > 0
),

history as (
    select witness_hours.*
    from witness_hours
    semi join living_days
        on
            witness_hours.source = living_days.source
            and witness_hours.device_id = living_days.device_id
            and witness_hours.line_id = living_days.line_id
            and witness_hours.branch_code = living_days.branch_code
            and witness_hours.business_date = living_days.business_date
),

-- Silence at an hour's beginning and end: the bits below the lowest and above the highest loud one.
judged_hours as (
    select
        *,
        expected_mask & ((loud_mask & -loud_mask) - 1) as silent_first_mask,
        loud_mask | (loud_mask >> 1) as smeared_2,
        smeared_2 | (smeared_2 >> 2) as smeared_4,
        smeared_4 | (smeared_4 >> 4) as smeared_8,
        smeared_8 | (smeared_8 >> 8) as smeared_16,
        smeared_16 | (smeared_16 >> 16) as smeared_32,
        expected_mask & ~(smeared_32 | (smeared_32 >> 32)) as silent_last_mask,
        row_number() over (
            partition by source, device_id, line_id, branch_code, business_date
            order by hour_start_at
        ) as hour_number
    from entrance_hours
    where {{ only_days('business_date', affected_days()) }}
),

-- A silent hour is one piece of a run; others may end one with their first minutes and begin one with their last.
pieces as (
    select
        *,
        expected_mask as mask,
        1 as place,
        hour_number as joins_hour
    from judged_hours
    where loud_mask = 0
    union all
    select
        *,
        silent_first_mask as mask,
        0 as place,
        hour_number as joins_hour
    from judged_hours
    where loud_mask <> 0 and silent_first_mask <> 0
    union all
    select
        *,
        silent_last_mask as mask,
        2 as place,
        null as joins_hour
    from judged_hours
    where loud_mask <> 0 and silent_last_mask <> 0
),

followed as (
    select
        *,
        coalesce(lag(place) over by_time > 0 and lag(hour_number) over by_time = joins_hour - 1, false) as is_joined
    from pieces
    window by_time as (
        partition by source, device_id, line_id, branch_code, business_date
        order by hour_start_at, place
    )
),

numbered as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        hour_start_at,
        local_hour,
        mask,
        place,
        count_if(not is_joined) over (
            partition by source, device_id, line_id, branch_code, business_date
            order by hour_start_at, place
        ) as run_number
    from followed
),

-- Cheap first: no run shorter than half an hour is worth a look back, nor one that nobody witnessed.
long_runs as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        run_number
    from numbered
    group by source, device_id, line_id, branch_code, business_date, run_number
    having sum(bit_count(mask)) >= 30
),

silent_hours as (
    select numbered.*
    from numbered
    semi join long_runs
        on
            numbered.source = long_runs.source
            and numbered.device_id = long_runs.device_id
            and numbered.line_id = long_runs.line_id
            and numbered.branch_code = long_runs.branch_code
            and numbered.business_date = long_runs.business_date
            and numbered.run_number = long_runs.run_number
),

witnessed as (
    select
        silent_hours.source as silent_source,
        silent_hours.device_id as silent_device_id,
        silent_hours.line_id as silent_line_id,
        silent_hours.run_number,
        witness_hours.source,
        witness_hours.device_id,
        witness_hours.line_id,
        witness_hours.branch_code,
        witness_hours.business_date,
        witness_hours.local_hour,
        witness_hours.hour_start_at,
        witness_hours.is_till,
        witness_hours.expected_minutes,
        witness_hours.people_count
    from silent_hours
    inner join witness_hours
        on
            silent_hours.branch_code = witness_hours.branch_code
            and silent_hours.business_date = witness_hours.business_date
            and silent_hours.hour_start_at = witness_hours.hour_start_at
    anti join frozen_days
        on
            witness_hours.source = frozen_days.source
            and witness_hours.device_id = frozen_days.device_id
            and witness_hours.line_id = frozen_days.line_id
            and witness_hours.branch_code = frozen_days.branch_code
            and witness_hours.business_date = frozen_days.business_date
    where
        (silent_hours.source, silent_hours.device_id, silent_hours.line_id)
        <> (witness_hours.source, witness_hours.device_id, witness_hours.line_id)
),

noticed_runs as (
    select
        silent_source,
        silent_device_id,
        silent_line_id,
        branch_code,
        business_date,
        run_number
    from witnessed
    group by all
    having sum(people_count) > 4
),

noticed_hours as (
    select witnessed.*
    from witnessed
    semi join noticed_runs
        on
            witnessed.silent_source = noticed_runs.silent_source
            and witnessed.silent_device_id = noticed_runs.silent_device_id
            and witnessed.silent_line_id = noticed_runs.silent_line_id
            and witnessed.branch_code = noticed_runs.branch_code
            and witnessed.business_date = noticed_runs.business_date
            and witnessed.run_number = noticed_runs.run_number
),

-- How much life there was by the witnesses' own measure, cautiously: two standard errors less than they counted.
life_by_witness as (
    select
        noticed_hours.silent_source as source,
        noticed_hours.silent_device_id as device_id,
        noticed_hours.silent_line_id as line_id,
        noticed_hours.branch_code,
        noticed_hours.business_date,
        noticed_hours.run_number,
        noticed_hours.is_till,
        (sum(noticed_hours.people_count) - 2 * sqrt(sum(noticed_hours.people_count)))
        / nullif(sum(usual.usual_per_minute * noticed_hours.expected_minutes), 0) as life_ratio
    from noticed_hours
    inner join {{ baselines('noticed_hours', 'history') }} as usual
        on
            noticed_hours.source = usual.source
            and noticed_hours.device_id = usual.device_id
            and noticed_hours.line_id = usual.line_id
            and noticed_hours.branch_code = usual.branch_code
            and noticed_hours.business_date = usual.business_date
            and noticed_hours.local_hour = usual.local_hour
    group by all
),

living_runs as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        run_number,
        least(round(max(life_ratio), 6), 1) as life_ratio
    from life_by_witness
    group by source, device_id, line_id, branch_code, business_date, run_number
    having max(life_ratio) >= 0.1
),

living_hours as (
    select
        silent_hours.*,
        living_runs.life_ratio
    from silent_hours
    inner join living_runs
        on
            silent_hours.source = living_runs.source
            and silent_hours.device_id = living_runs.device_id
            and silent_hours.line_id = living_runs.line_id
            and silent_hours.branch_code = living_runs.branch_code
            and silent_hours.business_date = living_runs.business_date
            and silent_hours.run_number = living_runs.run_number
),

missed_hours as (
    select
        living_hours.*,
        usual.usual_per_minute * living_hours.life_ratio * bit_count(living_hours.mask) as missed_count,
        usual.silent_ratio
    from living_hours
    left join {{ baselines('living_hours', 'history') }} as usual
        on
            living_hours.source = usual.source
            and living_hours.device_id = usual.device_id
            and living_hours.line_id = usual.line_id
            and living_hours.branch_code = usual.branch_code
            and living_hours.business_date = usual.business_date
            and living_hours.local_hour = usual.local_hour
),

-- In nats: how rare silence is among half the people, gamma-Poisson with a spread of 0.3 an hour. But an hour that
-- is often silent is as rare as its own past says.
scored as (
    select
        *,
        round(sum(least(
            ln(1 + 0.1 * 0.5 * missed_count) / 0.1,
            case when place = 1 and silent_ratio > 0 then -ln(silent_ratio) end
        )) over (
            partition by source, device_id, line_id, branch_code, business_date, run_number
        ), 6) as score
    from missed_hours
)

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    business_date,
    hour_start_at,
    bit_or(mask) as suspect_mask,
    round(sum(coalesce(missed_count, 0)), 6) as usual_count,
    max(score) as score
from scored
where score >= ln(10000)
group by source, device_id, line_id, branch_code, placement, business_date, hour_start_at
order by business_date, source, device_id, line_id, hour_start_at
