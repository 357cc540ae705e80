{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with hours as (
    select
        *,
        measured_count - expected_count as residual,
        measured_count is not null as is_told
    from {{ ref('int_estimate__expected_hours') }}
    where
        expected_count is not null
        and {{ only_days_and_before('business_date', affected_days(), history_days()) }}
),

days as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        business_date - date '2000-01-01' as day_number,
        sum(expected_count)::double as asked_count,
        sum({{ exact('expected_count::double * expected_count::double') }})::double as asked_squares,
        coalesce(sum(expected_count) filter (where is_told), 0)::double as told_count,
        coalesce(sum({{ exact('expected_count::double * expected_count::double') }}) filter (where is_told), 0)::double
            as told_squares,
        coalesce(sum(residual), 0)::double as residual,
        coalesce(sum({{ exact('residual::double * residual::double') }}), 0)::double as residual_squares
    from hours
    group by source, device_id, line_id, branch_code, business_date
),

-- Moments of the residuals of the days before. A day's sum squared holds what hours share; the squares do not.
remembered as (
    select
        *,
        coalesce(sum({{ exact('told_count') }}) over before, 0)::double as counts,
        coalesce(sum({{ exact('told_count * told_count') }}) over before, 0)::double as day_squares,
        coalesce(sum({{ exact('told_squares') }}) over before, 0)::double as hour_squares,
        coalesce(sum({{ exact('residual * residual') }}) over before, 0)::double as day_residuals,
        coalesce(sum({{ exact('residual_squares') }}) over before, 0)::double as hour_residuals
    from days
    window before as (
        partition by source, device_id, line_id, branch_code
        order by day_number
        range between {{ history_days() }} preceding and 1 preceding
    )
),

-- Before there are residuals, and beside the first ones, stands what such counters usually do.
informed as (
    select
        source,
        device_id,
        line_id,
        branch_code,
        business_date,
        counts + {{ prior_days() }} * asked_count as counts,
        day_squares + {{ prior_days() }} * asked_count * asked_count as day_squares,
        hour_squares + {{ prior_days() }} * asked_squares as hour_squares,
        day_residuals + {{ prior_days() }} * (
            {{ prior_dispersion() }} * asked_count + {{ prior_day_variance() }} * asked_count * asked_count
        ) as day_residuals,
        hour_residuals + {{ prior_days() }} * (
            {{ prior_dispersion() }} * asked_count + {{ prior_day_variance() }} * asked_squares
        ) as hour_residuals
    from remembered
    where asked_count > 0 and {{ only_days('business_date', affected_days()) }}
),

shared as (
    select
        *,
        greatest(coalesce((day_residuals - hour_residuals) / nullif(day_squares - hour_squares, 0), 0), 0)
            as day_variance
    from informed
)

select
    source,
    device_id,
    line_id,
    branch_code,
    business_date,
    {{ exact('sqrt(day_variance)') }} as day_deviation,
    {{ exact('greatest((hour_residuals - day_variance * hour_squares) / counts, 0.3)') }} as dispersion
from shared
order by business_date, source, device_id, line_id
