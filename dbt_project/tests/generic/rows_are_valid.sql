{#
    No two rows share the key, no part of it is NULL except those that may be, and every row satisfies every condition
    (one that is NULL is satisfied). One query for what dbt would ask in many: a test costs a run more in bookkeeping
    than in reading. The rows it finds are keys, and what is wrong with each.
#}
{% test rows_are_valid(model, key, null_in_key=[], conditions=[]) %}
    select
        {{ key | join(", ") }},
        count(*) || ' rows share the key, or NULL stands in it' as finding
    from {{ model }}
    group by {{ key | join(", ") }}
    having
        count(*) > 1
        {%- for column in key if column not in null_in_key %}
        or {{ column }} is null
        {%- endfor %}
    {%- if conditions %}
    union all
    select
        {{ key | join(", ") }},
        concat_ws(
            '; ',
            {%- for condition in conditions %}
            case when not ({{ condition }}) then 'not: {{ condition | replace("'", "''") }}' end{{ "," if not loop.last }}
            {%- endfor %}
        ) as finding
    from {{ model }}
    where
        {%- for condition in conditions %}
        {{ "or " if not loop.first }}not ({{ condition }})
        {%- endfor %}
    {%- endif %}
{% endtest %}
