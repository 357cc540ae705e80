{# A model's schema is named as configured, without a prefix: raw, staging, intermediate, marts. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
