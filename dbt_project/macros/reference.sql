{#
    A reference file with the columns of the contract, whatever columns the file has: an optional one that is left out
    is as if it were empty. Texts are trimmed; empty is NULL.
#}
{% macro reference_rows(relation, columns) -%}
    (
        select
            {%- for column in columns %}
            nullif(trim({{ column }}), '') as {{ column }}{{ "," if not loop.last }}
            {%- endfor %}
        from (
            select {% for column in columns %}null::varchar as {{ column }}{{ ", " if not loop.last }}{% endfor %}
            where false
            union all by name
            select * from {{ relation }}
        )
    )
{%- endmacro %}

{# Minutes since midnight of 'HH:MM', beyond 1440 after midnight. #}
{% macro clock_minutes(text) -%}
    (cast(split_part({{ text }}, ':', 1) as integer) * 60 + cast(split_part({{ text }}, ':', 2) as integer))
{%- endmacro %}

{# The same for when a window closes: one that closes before it opens ends on the next day. #}
{% macro closing_minute(opens, closes) -%}
    ({{ clock_minutes(closes) }} + if({{ clock_minutes(closes) }} <= {{ clock_minutes(opens) }}, 1440, 0))
{%- endmacro %}
