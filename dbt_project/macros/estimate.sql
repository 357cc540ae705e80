{#
    The published estimate, in one place. docs/estimates.md says why; whoever changes a number gives the method a new
    version.
#}
{% macro estimate_method() %}{{ return("weekday_hour_by_other_doors/1") }}{% endmacro %}

{# How far the usual looks back, and the least days of an hour that make a habit. #}
{% macro history_days() %}{{ return(28) }}{% endmacro %}
{% macro habit_days() %}{{ return(3) }}{% endmacro %}

{# People's worth of doubt in the other doors: of a day, of an hour. The more people they count, the more they say. #}
{% macro day_doubt() %}{{ return("60.0") }}{% endmacro %}
{% macro hour_doubt() %}{{ return("120.0") }}{% endmacro %}

{# Hours' worth of weight that the weekday's level by the day's usual profile has beside the weekday-hour itself. #}
{% macro profile_weight() %}{{ return(2) }}{% endmacro %}

{# What residuals are taken to be before there are any: that many days of this dispersion and daily deviation. #}
{% macro prior_days() %}{{ return("3.0") }}{% endmacro %}
{% macro prior_dispersion() %}{{ return("1.3") }}{% endmacro %}
{% macro prior_day_variance() %}{{ return("0.02") }}{% endmacro %}

{# Half the width of the 90 % interval. `noise` adds up over hours, `common` deviates for a whole day together. #}
{% macro interval_margin(noise, common) -%}
    (1.645 * sqrt({{ noise }}::double + {{ common }}::double * {{ common }}::double))
{%- endmacro %}

{# Doubles do not add up to the same in every order; decimals do, and a rebuilt mart must be equal to the bit. #}
{% macro exact(value, digits=6) -%}
    cast(round({{ value }}, {{ digits }}) as decimal(38, {{ digits }}))
{%- endmacro %}
