{# Bits of the hour's quarter, 0 to 3. #}
{% macro quarter_mask(quarter) -%}
    (32767::bigint << (15 * {{ quarter }})::integer)
{%- endmacro %}

{# Share of a day's people that may be left over at its end; more is no drift but a counter that sees one direction. #}
{% macro largest_drift() %}{{ return("0.2") }}{% endmacro %}

{# Little's law holds while a zone is in balance: as many inside at both ends, and enough who came. #}
{% macro steady_ratio() %}{{ return("0.2") }}{% endmacro %}
{% macro steady_people() %}{{ return("1") }}{% endmacro %}
{% macro least_arrivals() %}{{ return("5") }}{% endmacro %}
