{#
    No two rows share the key, and no part of it is NULL except those that may be: one query for what dbt would ask
    once per column.
#}
{% test key_is_unique(model, columns, may_be_null=[]) %}
    select {{ columns | join(", ") }}
    from {{ model }}
    group by {{ columns | join(", ") }}
    having
        count(*) > 1
        {%- for column in columns if column not in may_be_null %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
