{# Why a minute is in its state, '' where the state says it all. #}
{% macro minute_reason(state, missing_state, suspect_reason) -%}
    case {{ state }}
        when 'not_installed' then 'no_placement'
        when 'received_late' then 'late_delivery'
        when 'zero_sparse' then 'no_rows_sparse'
        when 'device_offline' then 'rows_missing_in_delivery'
        when 'delivery_missing' then 'no_delivery'
        when 'not_due' then 'not_due'
        when 'delivery_rejected'
            then if({{ missing_state }} = 'delivery_rejected', 'file_unreadable', 'rows_rejected')
        when 'stuck_zero' then {{ suspect_reason }}
        when 'stuck_value' then {{ suspect_reason }}
        when 'clock_suspect' then {{ suspect_reason }}
        else ''
    end
{%- endmacro %}
