{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('_business_date', touched_days()) }}",
    )
}}

with
-- A later vendor is one more line here.
unioned as (
    select * from {{ ref('stg_files__counts') }}
    union all by name
    select * from {{ ref('stg_xovis__history') }}
    union all by name
    select * from {{ ref('stg_xovis__reading_intervals') }}
    union all by name
    select * from {{ ref('stg_xovis__document') }}
    union all by name
    select * from {{ ref('stg_bespot__visits') }}
    union all by name
    select * from {{ ref('stg_footfallcam__device') }}
    union all by name
    select * from {{ ref('stg_footfallcam__export_api') }}
),

counts as (
    select * from unioned
    where {{ only_days('_business_date', touched_days()) }}
),

{{ located_counts() }},

-- A repeated local hour: the order of rows in the file tells the passes apart.
repeated as (
    select
        source,
        feed,
        _delivery_id,
        device_id,
        row_line_id,
        _row_number,
        row_number() over (
            partition by source, feed, _delivery_id, device_id, row_line_id, interval_start_local
            order by _row_number
        ) > 1 as is_seen_before,
        coalesce(local_us - lag(local_us) over (
            partition by source, feed, _delivery_id, device_id, row_line_id
            order by _row_number
        ) <= -1200000000, false) as is_step_back
    from timed
    where is_in_change and is_repeating
),

passes as (
    select
        *,
        is_seen_before or bool_or(is_step_back) over (
            partition by source, feed, _delivery_id, device_id, row_line_id
            order by _row_number
            rows between unbounded preceding and current row
        ) as is_second_pass,
        bool_or(is_seen_before or is_step_back) over (
            partition by source, feed, _delivery_id, device_id, row_line_id
        ) as is_told_apart
    from repeated
),

started as (
    select
        timed.*,
        coalesce(not passes.is_told_apart, false) as is_ambiguous_local,
        timed.is_in_change and timed.is_skipping as is_nonexistent_local,
        timed.local_us - case
            when timed.is_after_change or coalesce(passes.is_second_pass, false) then timed.offset_after
            else timed.offset_before
        end as start_us
    from timed
    left join passes
        on
            timed.source = passes.source
            and timed.feed = passes.feed
            and timed._delivery_id = passes._delivery_id
            and timed.device_id = passes.device_id
            and timed.row_line_id = passes.row_line_id
            and timed._row_number = passes._row_number
            and timed.is_in_change
            and timed.is_repeating
    where timed.is_kept_when_nonexistent or not (timed.is_in_change and timed.is_skipping)
),

device_day_deliveries as (
    select distinct
        source,
        feed,
        device_id,
        _business_date,
        coalesce(_effective_at, _delivered_at) as _effective_at,
        _delivery_id
    from counts
    where is_replacing_device_day
),

replaced_deliveries as (
    select * from device_day_deliveries
    qualify row_number() over (
        partition by source, feed, device_id, _business_date
        order by _effective_at desc, _delivery_id desc
    ) > 1
),

keyed as (
    select
        started.*,
        hash(
            started.source,
            started.feed,
            started.device_id,
            started.row_line_id,
            started.start_us,
            started.is_nonexistent_local
        ) as interval_key
    from started
    left join replaced_deliveries
        on
            started.source = replaced_deliveries.source
            and started.feed = replaced_deliveries.feed
            and started.device_id = replaced_deliveries.device_id
            and started._business_date = replaced_deliveries._business_date
            and started._delivery_id = replaced_deliveries._delivery_id
            and started.is_replacing_device_day
    where replaced_deliveries._delivery_id is null
),

-- Nearly every interval comes once. Only where a key repeats is the newest row looked for, which needs a sort.
repeated_keys as (
    select interval_key from keyed
    group by interval_key
    having count(*) > 1
),

standing as (
    select * from keyed
    where interval_key not in (select repeated_keys.interval_key from repeated_keys)
    union all
    select * from keyed
    where interval_key in (select repeated_keys.interval_key from repeated_keys)
    qualify row_number() over (
        partition by source, feed, device_id, row_line_id, start_us, is_nonexistent_local
        order by _effective_at desc, _delivery_id desc, _row_number desc
    ) = 1
),

-- Almost every clock shows the branch's own time; only the others pay for a conversion.
dated as (
    select
        *,
        make_timestamptz(start_us) as interval_start_at,
        case
            when interval_minutes <= 60 then make_timestamptz(start_us + interval_minutes::bigint * 60000000)
            else timezone(timezone, interval_start_local + to_minutes(interval_minutes))
        end as interval_end_at,
        case
            when timezone = branch_timezone then local_date
            else cast(timezone(branch_timezone, make_timestamptz(start_us)) as date)
        end as business_date
    from standing
)

select
    _business_date,
    business_date,
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    feed,
    row_line_id,
    interval_start_at,
    interval_end_at,
    interval_minutes,
    make_timestamptz(start_us - (start_us - epoch_us(case
        when timezone = branch_timezone then day_start_at
        else {{ first_instant("branch_timezone", "cast(business_date as timestamp)") }}
    end)) % 3600000000) as hour_start_at,
    interval_start_local,
    timezone,
    case when is_reversed then exit_count else entry_count end as entry_count,
    case when is_reversed then entry_count else exit_count end as exit_count,
    staff_count,
    is_dense,
    is_ambiguous_local,
    is_nonexistent_local,
    _delivery_id as delivery_id,
    _row_number as row_number,
    _delivered_at as delivered_at
from dated
order by business_date, source, device_id, line_id, interval_start_at
