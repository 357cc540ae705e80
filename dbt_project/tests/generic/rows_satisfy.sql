{# Every row satisfies every condition; one that is NULL is satisfied. #}
{% test rows_satisfy(model, conditions) %}
    select *
    from {{ model }}
    where
        {%- for condition in conditions %}
        {{ "or " if not loop.first }}not ({{ condition }})
        {%- endfor %}
{% endtest %}
