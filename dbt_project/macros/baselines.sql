{#
    A subquery: what each counter usually counts in an hour of the day, for the rows of `wanted` (counter, branch,
    business_date, local_hour): the lower quartile over the living days of the 28 days before, where there are at
    least three. `history` has the received hours of living days. Joining by 28-day bucket as well keeps each key's
    matches few when years are rebuilt at once.
#}
{% macro baselines(wanted, history) -%}
    (
        with bucketed as (
            select distinct
                source,
                device_id,
                line_id,
                branch_code,
                business_date,
                local_hour,
                unnest([{{ bucket('business_date - 28') }}, {{ bucket('business_date - 1') }}]) as bucket
            from {{ wanted }} as wanted
        )

        select
            bucketed.source,
            bucketed.device_id,
            bucketed.line_id,
            bucketed.branch_code,
            bucketed.business_date,
            bucketed.local_hour,
            quantile_cont(history.people_count, 0.25) as usual_count
        from bucketed
        inner join (select *, {{ bucket('business_date') }} as bucket from {{ history }}) as history
            on
                bucketed.source = history.source
                and bucketed.device_id = history.device_id
                and bucketed.line_id = history.line_id
                and bucketed.branch_code = history.branch_code
                and bucketed.local_hour = history.local_hour
                and bucketed.bucket = history.bucket
                and history.business_date >= bucketed.business_date - 28
                and history.business_date < bucketed.business_date
        group by
            bucketed.source,
            bucketed.device_id,
            bucketed.line_id,
            bucketed.branch_code,
            bucketed.business_date,
            bucketed.local_hour
        having count(distinct history.business_date) >= 3
    )
{%- endmacro %}

{% macro bucket(day) -%}
    (({{ day }}) - date '1900-01-01') // 28
{%- endmacro %}
