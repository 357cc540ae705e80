{#
    Minutes of an hour as bits of one BIGINT: bit 0 is the hour's first minute. Set operations on minutes are then one
    instruction, exact, and need no row per minute.
#}

{# Bits from one minute (inclusive) to another (exclusive); both are clipped to the hour. #}
{% macro minute_mask(from_minute, until_minute) -%}
    (case
        when least({{ until_minute }}, 60) <= greatest({{ from_minute }}, 0) then 0::bigint
        else ((1::bigint << (least({{ until_minute }}, 60) - greatest({{ from_minute }}, 0))::integer) - 1)
            << greatest({{ from_minute }}, 0)::integer
    end)
{%- endmacro %}

{# Bits of an hour that lie in [from_at, until_at). #}
{% macro span_mask(hour_start_at, from_at, until_at) -%}
    {{ minute_mask(minutes_between(hour_start_at, from_at), minutes_between(hour_start_at, until_at)) }}
{%- endmacro %}

{# Whole minutes from one instant to another, negative when it lies before. Arithmetic: date_diff asks ICU per row. #}
{% macro minutes_between(earlier, later) -%}
    ((epoch_us({{ later }}) - epoch_us({{ earlier }})) // 60000000)
{%- endmacro %}

{#
    CTEs that turn minutes of counter hours into spans of each counter's business day. Needs a CTE `marked` with the
    counter's columns, business_date, hour_start_at, a `label` and the `mask` of the minutes that bear it; label
    'alive' marks minutes with an accepted row. Gives `spans`: maximal runs of one label that no other label
    interrupts (unmarked minutes do not), with the minutes marked and whether life shows just before and after.
#}
{% macro spans_of_minutes() %}
runs as (
    select
        marked.source,
        marked.device_id,
        marked.line_id,
        marked.branch_code,
        marked.placement,
        marked.business_date,
        marked.label,
        marked.hour_start_at + to_minutes(bits.minute) as started_at,
        bit_count((((marked.mask >> bits.minute) + 1) & ~(marked.mask >> bits.minute)) - 1)::integer as minutes
    from marked
    cross join (select unnest(range(60))::integer as minute) as bits
    where ((marked.mask >> bits.minute) & 1) = 1 and (((marked.mask << 1) >> bits.minute) & 1) = 0
),

neighbours as (
    select
        *,
        lag(label) over by_time as label_before,
        lead(label) over by_time as label_after
    from runs
    window by_time as (
        partition by source, device_id, line_id, branch_code, placement, business_date
        order by started_at
    )
),

numbered as (
    select
        *,
        count(*) filter (where label is distinct from label_before) over (
            partition by source, device_id, line_id, branch_code, placement, business_date
            order by started_at
        ) as span_number
    from neighbours
),

spans as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        placement,
        business_date,
        label,
        min(started_at) as started_at,
        max(started_at + to_minutes(minutes)) as ended_at,
        sum(minutes)::integer as missing_minutes,
        coalesce(arg_min(label_before, started_at) = 'alive', false) as is_alive_before,
        coalesce(arg_max(label_after, started_at) = 'alive', false) as is_alive_after
    from numbered
    where label <> 'alive'
    group by source, device_id, line_id, branch_code, placement, business_date, label, span_number
)
{% endmacro %}
