{#
    Which business days a run rebuilds. They are read from transform/affected_days.parquet when a model runs and put
    into its SQL as literal dates, so that Parquet partitions and zone maps are pruned and no variable changes between
    runs. A model that does not exist yet, and every model under --full-refresh, is built from all days.
#}

{# Days whose raw rows changed. #}
{% macro touched_days() %}
    {{ return(days_to_rebuild("is_touched")) }}
{% endmacro %}

{# Touched days and those whose classification looks back on one. #}
{% macro affected_days() %}
    {{ return(days_to_rebuild("true")) }}
{% endmacro %}

{# Asked once a run: models name their days hundreds of times, and `graph` is the one thing that all of them share. #}
{% macro days_to_rebuild(condition) %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set asked = graph.setdefault("days_to_rebuild", {}) %}
    {% if condition in asked %}{{ return(asked[condition]) }}{% endif %}
    {% set query %}
        select distinct cast(business_date as varchar) as business_date
        from read_parquet('{{ home() }}/transform/affected_days.parquet') where {{ condition }} order by 1
    {% endset %}
    {% do asked.update({condition: run_query(query).columns[0].values() | list}) %}
    {{ return(asked[condition]) }}
{% endmacro %}

{# A condition on a date column: one of these days, in an incremental run; anything, when all is rebuilt. #}
{% macro only_days(column, days) -%}
    {%- if is_incremental() -%}
        {{ in_days(column, days) }}
    {%- else -%}
        {{ column }} > date '1900-01-01'
    {%- endif -%}
{%- endmacro %}

{% macro in_days(column, days) -%}
    {%- if days -%}
        {{ column }} in (date '{{ days | join("', date '") }}')
    {%- else -%}
        {{ column }} is null
    {%- endif -%}
{%- endmacro %}

{# The same, with as many days before the first of them as a look-back needs; days between may come along. #}
{% macro only_days_and_before(column, days, look_back_days) -%}
    {%- if is_incremental() and days -%}
        {{ column }} between date '{{ days | first }}' - {{ look_back_days }} and date '{{ days | last }}'
    {%- else -%}
        {{ only_days(column, days) }}
    {%- endif -%}
{%- endmacro %}

{# Pre-hook: take these days out before they are appended anew, so that retracted rows and emptied days vanish. #}
{% macro delete_days(column, days) -%}
    {%- if is_incremental() and execute -%}
        delete from {{ this }} where {{ in_days(column, days) }}
    {%- endif -%}
{%- endmacro %}

{# For data tests: a condition on a date column, these days; anything, when all was rebuilt. #}
{% macro in_days_of_run(column, days) -%}
    {%- if not execute or flags.FULL_REFRESH -%}
        true
    {%- else -%}
        {{ in_days(column, days) }}
    {%- endif -%}
{%- endmacro %}
