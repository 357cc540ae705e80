{# FOOTFALL_HOME, ready to stand between single quotes. #}
{% macro home() -%}
    {{ env_var("FOOTFALL_HOME") | replace("'", "''") }}
{%- endmacro %}
