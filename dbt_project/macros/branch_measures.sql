{#
    Columns that a branch's entrance counters add up to, the same for an hour and for a day. Expects the sums of the
    counters' minutes; `counted_entries` / `counted_exits` with NULL where what was received cannot be summed; and of
    what measurement missed `lost_count`, `lost_noise`, `lost_deviation` and whether it is `is_lost_known`.
#}
{% macro branch_measures() -%}
    case status when 'closed' then 0 when 'unknown' then null else counted_entries end::bigint as entry_count,
    case status when 'closed' then 0 when 'unknown' then null else counted_exits end::bigint as exit_count,
    case when {{ is_estimated() }} then round(lost_count, 1) end::double as entry_count_estimated,
    case
        when status = 'closed' then 0
        when {{ is_estimated() }} then {{ counted_so_far() }} + round(greatest(lost_count - {{ lost_margin() }}, 0))
        when status <> 'unknown' then counted_entries
    end::bigint as entry_count_low,
    case
        when status = 'closed' then 0
        when status = 'complete' then counted_entries
        when {{ is_estimated() }} and not_due_minutes = 0
            then {{ counted_so_far() }} + round(lost_count + {{ lost_margin() }})
    end::bigint as entry_count_high,
    case when {{ is_estimated() }} then '{{ estimate_method() }}' else '' end as estimate_method,
    expected_minutes,
    received_minutes,
    round(received_minutes / nullif(expected_minutes, 0), 6)::double as coverage_ratio,
    status,
    status = 'complete' and not is_sum_of_doors as is_verified,
    device_offline_minutes,
    delivery_missing_minutes,
    delivery_rejected_minutes,
    stuck_zero_minutes,
    stuck_value_minutes,
    clock_suspect_minutes,
    not_due_minutes
{%- endmacro %}

{# Something was missed, all of it has a usual, and what was received can be summed. #}
{% macro is_estimated() -%}
    (lost_count is not null and is_lost_known and (counted_entries is not null or received_minutes = 0))
{%- endmacro %}

{% macro counted_so_far() -%}
    case when received_minutes = 0 then 0 else counted_entries end
{%- endmacro %}

{% macro lost_margin() -%}
    {{ interval_margin('lost_noise', 'lost_deviation') }}
{%- endmacro %}

{% macro branch_status() -%}
    case
        when expected_minutes = 0 then 'closed'
        when received_minutes = expected_minutes then 'complete'
        when received_minutes = 0 then 'unknown'
        else 'partial'
    end
{%- endmacro %}

{# What entrance counters lost in a branch's hour or day. A day's deviations are of one mind, so they add up plainly. #}
{% macro lost_by(columns) -%}
    select
        {{ columns }},
        sum(lost_count) as lost_count,
        sum(lost_noise) as lost_noise,
        sum(lost_deviation) as lost_deviation,
        bool_and(lost_count is not null) as is_lost_known
    from {{ ref('int_estimate__counter_hours') }}
    where lost_minutes > 0 and {{ only_days('business_date', affected_days()) }}
    group by {{ columns }}
{%- endmacro %}
