{# What the three kinds of comparison share: hours as places of a day, and a clock that runs beside the other. #}

{# Business days as their hours' places: columns branch_code, business_date, hour_start_at, hour_index, hour_count. #}
{% macro indexed_hours(days) -%}
    select
        branch_code,
        business_date,
        hour_start_at,
        hour_end_at,
        hour_mask,
        open_mask,
        (row_number() over by_time - 1)::integer as hour_index,
        (count(*) over (partition by branch_code, business_date))::integer as hour_count
    from {{ ref('int_time__branch_hours') }}
    where {{ only_days('business_date', days) }}
    window by_time as (partition by branch_code, business_date order by hour_start_at)
{%- endmacro %}

{# The place of an hour of side b on side a's clock, and back. Days turn round: a 12-hour clock stays in its day. #}
{% macro aligned_hour(hour_index, shift_hours, hour_count) -%}
    (({{ hour_index }} - {{ shift_hours }} + {{ hour_count }}) % {{ hour_count }})
{%- endmacro %}

{% macro unaligned_hour(hour_index, shift_hours, hour_count) -%}
    (({{ hour_index }} + {{ shift_hours }} + {{ hour_count }}) % {{ hour_count }})
{%- endmacro %}

{#
    CTEs that find clocks which run whole hours beside the other. Needs `clock_hours` (unit_key, hour_index, hour_count,
    value_a, value_b); gives `clock_shifts` (unit_key, shift_hours): how many hours side b shows later than side a.
    Only where 50 people or more stand in other hours, and moving them leaves at most three tenths of the misfit.
#}
{% macro clock_shifts() -%}
clock_totals as (
    select
        unit_key,
        sum(abs(value_a - value_b)) as misfit
    from clock_hours
    group by unit_key
    having
        least(sum(value_a), sum(value_b)) >= 50
        and sum(abs(value_a - value_b)) >= 0.05 * (sum(value_a) + sum(value_b))
),

clock_candidates as (
    select
        clock_hours.*,
        clock_totals.misfit,
        unnest(range(1, clock_hours.hour_count))::integer as shift_hours
    from clock_hours
    inner join clock_totals on clock_hours.unit_key = clock_totals.unit_key
),

clock_placed as (
    select
        unit_key,
        misfit,
        hour_count,
        shift_hours,
        hour_index,
        value_a as signed_value
    from clock_candidates
    union all
    select
        unit_key,
        misfit,
        hour_count,
        shift_hours,
        {{ aligned_hour('hour_index', 'shift_hours', 'hour_count') }} as hour_index,
        -value_b as signed_value
    from clock_candidates
),

clock_cells as (
    select
        unit_key,
        misfit,
        hour_count,
        shift_hours,
        hour_index,
        abs(sum(signed_value)) as cell_misfit
    from clock_placed
    group by all
),

clock_fits as (
    select
        unit_key,
        misfit,
        if(shift_hours * 2 > hour_count, shift_hours - hour_count, shift_hours) as shift_hours,
        round(sum(cell_misfit), 6) as shifted_misfit
    from clock_cells
    group by all
),

clock_shifts as (
    select
        unit_key,
        shift_hours
    from clock_fits
    where shifted_misfit <= 0.3 * misfit
    qualify row_number() over (
        partition by unit_key
        order by shifted_misfit, abs(shift_hours), shift_hours
    ) = 1
)
{%- endmacro %}

{# What two measurements of the same may differ by: one in a hundred, two at least. #}
{% macro reconciliation_tolerance(value_a, value_b) -%}
    greatest(2, round(0.01 * greatest({{ value_a }}, {{ value_b }})))::decimal(18, 2)
{%- endmacro %}
