{#
    No two rows share the key, no part of it is NULL except those that may be, and every row satisfies every condition
    (one that is NULL is satisfied). One query for what dbt would ask in many: a test costs a run more in bookkeeping
    than in reading. The rows it finds are keys, so that the failing ones can be looked up.
#}
{% test rows_are_valid(model, key, null_in_key=[], conditions=[]) %}
    select {{ key | join(", ") }}
    from {{ model }}
    group by {{ key | join(", ") }}
    having
        count(*) > 1
        {%- for column in key if column not in null_in_key %}
        or {{ column }} is null
        {%- endfor %}
    {%- if conditions %}
    union all
    select {{ key | join(", ") }}
    from {{ model }}
    where
        {%- for condition in conditions %}
        {{ "or " if not loop.first }}not ({{ condition }})
        {%- endfor %}
    {%- endif %}
{% endtest %}
