{#
    A subquery: what each counter usually counts per open minute in an hour of the day, for the rows of `wanted`
    (counter, branch, business_date, local_hour): the median over the same weekday of the 28 days before where there
    are at least two, else over all of them where there are at least three, and never more than the latter. Medians,
    so that days on which the counter was itself at fault do not move it. `history` has the received hours of living
    days. And in what share of them nobody came in that hour. Joining by 28-day bucket as well keeps each key's matches few when years are rebuilt at once.
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
        ),

        matched as (
            select distinct
                bucketed.source,
                bucketed.device_id,
                bucketed.line_id,
                bucketed.branch_code,
                bucketed.business_date,
                bucketed.local_hour,
                history.business_date as past_date,
                history.hour_start_at,
                history.people_per_minute,
                isodow(history.business_date) = isodow(bucketed.business_date) as is_same_weekday
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
        )

        select
            source,
            device_id,
            line_id,
            branch_code,
            business_date,
            local_hour,
            least(
                median(people_per_minute),
                case when count_if(is_same_weekday) >= 2 then median(people_per_minute) filter (where is_same_weekday) end
            ) as usual_per_minute,
            count_if(people_per_minute = 0) / count(*) as silent_ratio
        from matched
        group by source, device_id, line_id, branch_code, business_date, local_hour
        having count(distinct past_date) >= 3
    )
{%- endmacro %}

{% macro bucket(day) -%}
    (({{ day }}) - date '1900-01-01') // 28
{%- endmacro %}
