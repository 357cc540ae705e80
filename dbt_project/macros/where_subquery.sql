{#
    dbt's own macro, plus two words: a test's `where: touched business_date` or `where: affected business_date` means
    only that column's days of this run, so that the cost of tests does not grow with history. Filled in when the test
    runs, because YAML cannot call macros and the days must not be part of what dbt parses.
#}
{% macro get_where_subquery(relation) -%}
    {% set where = config.get("where", "") %}
    {% if not where %}{{ return(relation) }}{% endif %}
    {% set words = where.split() %}
    {% if words[0] == "touched" %}
        {% set where = in_days_of_run(words[1], touched_days()) %}
    {% elif words[0] == "affected" %}
        {% set where = in_days_of_run(words[1], affected_days()) %}
    {% endif %}
    {{ return("(select * from " ~ relation ~ " where " ~ where ~ ") as days_of_run") }}
{%- endmacro %}
