{# Local time and instants. The session's zone is UTC; every conversion names its zone. #}

{# The first instant that a clock shows a local time: ICU alone would take the second where it comes twice. #}
{% macro first_instant(zone, local) -%}
    (case
        when timezone({{ zone }}, timezone({{ zone }}, {{ local }}) - interval 1 hour) = {{ local }}
            then timezone({{ zone }}, {{ local }}) - interval 1 hour
        else timezone({{ zone }}, {{ local }})
    end)
{%- endmacro %}

{#
    A subquery with one row per (timezone, local_date) of `zone_dates`: when the local day begins and ends, the offsets
    from UTC (in microseconds, as epoch_us counts) before and after the day's clock change, and the local times that
    the change repeats or skips. Without a change both offsets are the same and the range is empty (NULL). Row-wise
    conversion is then arithmetic, and which pass of a repeated hour is meant is ours to decide.
#}
{% macro zone_days(zone_dates) -%}
    (
        with bounds as (
            select
                timezone,
                local_date,
                {{ first_instant("timezone", "cast(local_date as timestamp)") }} as day_start_at,
                {{ first_instant("timezone", "cast(local_date + 1 as timestamp)") }} as day_end_at
            from {{ zone_dates }}
        ),

        offsets as (
            select
                *,
                {{ utc_offset("timezone", "day_start_at - interval 1 second") }} as offset_before,
                {{ utc_offset("timezone", "day_end_at - interval 1 second") }} as offset_after
            from bounds
        ),

        steps as (
            select
                timezone,
                local_date,
                offset_before,
                unnest(generate_series(day_start_at, day_end_at, interval 15 minutes)) as instant
            from offsets
            where offset_before <> offset_after
        ),

        changes as (
            select
                timezone,
                local_date,
                min(instant) as changed_at
            from steps
            where {{ utc_offset("timezone", "instant") }} <> offset_before
            group by timezone, local_date
        )

        select
            o.timezone,
            o.local_date,
            o.day_start_at,
            o.day_end_at,
            o.offset_before,
            o.offset_after,
            make_timestamp(epoch_us(c.changed_at) + least(o.offset_before, o.offset_after)) as change_from_local,
            make_timestamp(epoch_us(c.changed_at) + greatest(o.offset_before, o.offset_after)) as change_until_local,
            coalesce(o.offset_before > o.offset_after, false) as is_repeating,
            coalesce(o.offset_before < o.offset_after, false) as is_skipping
        from offsets as o
        left join changes as c on o.timezone = c.timezone and o.local_date = c.local_date
    )
{%- endmacro %}

{% macro utc_offset(zone, instant) -%}
    (epoch_us(timezone({{ zone }}, {{ instant }})) - epoch_us({{ instant }}))
{%- endmacro %}
