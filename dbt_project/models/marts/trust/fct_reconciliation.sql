{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with units as (
    select
        *,
        row(abs(value_a) + abs(value_b), unit) as weight
    from {{ ref('int_reconciliation__explained_units') }}
    where {{ only_days('business_date', affected_days()) }}
),

summed as (
    select
        branch_code,
        business_date,
        kind,
        measure,
        feed_a,
        feed_b,
        if(min(feed_of_record) = max(feed_of_record), min(feed_of_record), 'mixed') as source_of_record,
        count(*)::integer as unit_count,
        sum(value_a) as value_a,
        sum(value_b) as value_b,
        sum(difference_clock) as difference_clock,
        sum(difference_coverage) as difference_coverage,
        sum(difference_out_of_hours) as difference_out_of_hours,
        sum(difference_staff) as difference_staff,
        sum(difference_placement) as difference_placement,
        sum(difference_scale) as difference_scale,
        sum(difference_unexplained) as difference_unexplained,
        -- Doors whose differences cancel are not one that agrees: what decides is taken without the sign.
        sum(abs(difference_unexplained)) as unexplained_gross,
        sum(abs(difference_coverage)) as coverage_gross,
        sum(abs(difference_out_of_hours)) as out_of_hours_gross,
        sum(abs(difference_staff)) as staff_gross,
        sum(abs(difference_placement)) as placement_gross,
        sum(abs(difference_scale)) as scale_gross,
        coalesce(max_by(clock_shift_hours, weight) filter (where clock_shift_hours <> 0), 0) as clock_shift_hours,
        max_by(scale_ratio, weight) filter (where scale_ratio is not null) as scale_ratio,
        coalesce(max_by(placement_counter, weight) filter (where placement_counter <> ''), '') as placement_counter,
        case
            when kind = 'sales' and measure = 'transaction_count' then 0
            when kind = 'sales' then 1
            else {{ reconciliation_tolerance('sum(value_a)', 'sum(value_b)') }}
        end as tolerance
    from units
    group by branch_code, business_date, kind, measure, feed_a, feed_b
),

judged as (
    select
        *,
        unexplained_gross <= tolerance as is_reconciled,
        greatest(
            coverage_gross,
            out_of_hours_gross,
            staff_gross,
            placement_gross,
            scale_gross,
            if(unexplained_gross <= tolerance, 0, unexplained_gross)
        ) as largest_part
    from summed
)

select
    branch_code,
    business_date,
    kind,
    measure,
    feed_a,
    feed_b,
    source_of_record,
    unit_count,
    value_a::decimal(18, 2) as value_a,
    value_b::decimal(18, 2) as value_b,
    (value_a - value_b)::decimal(18, 2) as difference,
    difference_coverage::decimal(18, 2) as difference_coverage,
    difference_out_of_hours::decimal(18, 2) as difference_out_of_hours,
    difference_staff::decimal(18, 2) as difference_staff,
    difference_placement::decimal(18, 2) as difference_placement,
    difference_clock::decimal(18, 2) as difference_clock,
    difference_scale::decimal(18, 2) as difference_scale,
    difference_unexplained::decimal(18, 2) as difference_unexplained,
    unexplained_gross::decimal(18, 2) as unexplained_gross,
    clock_shift_hours::integer as clock_shift_hours,
    scale_ratio::double as scale_ratio,
    placement_counter,
    tolerance::decimal(18, 2) as tolerance,
    is_reconciled,
    case
        when clock_shift_hours <> 0 then 'clock'
        when largest_part = 0 then 'none'
        when largest_part = unexplained_gross and not is_reconciled then 'unexplained'
        when largest_part = coverage_gross then 'coverage'
        when largest_part = out_of_hours_gross then 'out_of_hours'
        when largest_part = staff_gross then 'staff'
        when largest_part = placement_gross then 'placement'
        else 'scale'
    end as cause
from judged
order by business_date, branch_code, kind, measure, feed_a, feed_b
