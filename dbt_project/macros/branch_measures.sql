{#
    Columns that a branch's entrance counters add up to, the same for an hour and for a day. Expects the sums of the
    counters' minutes, and `counted_entries` / `counted_exits` with NULL where what was received cannot be summed.
#}
{% macro branch_measures() -%}
    case status when 'closed' then 0 when 'unknown' then null else counted_entries end::bigint as entry_count,
    case status when 'closed' then 0 when 'unknown' then null else counted_exits end::bigint as exit_count,
    null::double as entry_count_estimated,
    case status when 'closed' then 0 when 'unknown' then null else counted_entries end::bigint as entry_count_low,
    case status when 'closed' then 0 when 'complete' then counted_entries end::bigint as entry_count_high,
    expected_minutes,
    received_minutes,
    round(received_minutes / nullif(expected_minutes, 0), 6)::double as coverage_ratio,
    status,
    device_offline_minutes,
    delivery_missing_minutes,
    delivery_rejected_minutes,
    stuck_zero_minutes,
    not_due_minutes
{%- endmacro %}

{% macro branch_status() -%}
    case
        when expected_minutes = 0 then 'closed'
        when received_minutes = expected_minutes then 'complete'
        when received_minutes = 0 then 'unknown'
        else 'partial'
    end
{%- endmacro %}
