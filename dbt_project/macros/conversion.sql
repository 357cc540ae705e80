{# Visitors by the branch's own basis; NULL where traffic is unknown. #}
{% macro visitor_count(traffic, branches) -%}
    case {{ branches }}.visitor_basis
        when 'out' then {{ traffic }}.exit_count
        when 'average' then ({{ traffic }}.entry_count + {{ traffic }}.exit_count) / 2
        else {{ traffic }}.entry_count
    end::double
{%- endmacro %}

{# Why a conversion is not to be taken at its word: the first reason that applies, '' for none. #}
{% macro conversion_flag(ratio) -%}
    case
        when traffic_status = 'closed' then case when transaction_count > 0 then 'sales_while_closed' else '' end
        when transaction_count is null then 'sales_missing'
        when traffic_status = 'unknown' or visitor_count is null then 'traffic_unknown'
        when traffic_status = 'partial' then 'traffic_partial'
        when visitor_count = 0 and transaction_count > 0 then 'zero_visitors_with_sales'
        when {{ ratio }} > 1 then 'above_one'
        else ''
    end
{%- endmacro %}
