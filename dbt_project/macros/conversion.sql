{# Visitors by the branch's own basis; NULL where traffic is unknown. #}
{% macro visitor_count(traffic, branches) -%}
    case {{ branches }}.visitor_basis
        when 'out' then {{ traffic }}.exit_count
        when 'average' then ({{ traffic }}.entry_count + {{ traffic }}.exit_count) / 2
        else {{ traffic }}.entry_count
    end::double
{%- endmacro %}

{#
    A bound of the visitors, from a bound of the entries: as many more (or fewer) as of entries, whatever the basis.
    Where nothing was measured the bound is all there is.
#}
{% macro visitor_bound(entry_bound, traffic, visitors) -%}
    (
        case when {{ traffic }}.status = 'unknown' then 0 else {{ visitors }} end
        + {{ traffic }}.{{ entry_bound }}
        - case when {{ traffic }}.status = 'unknown' then 0 else {{ traffic }}.entry_count end
    )::double
{%- endmacro %}

{# Transactions over visitors, six places; NULL without a visitor. #}
{% macro transactions_over(transactions, visitors) -%}
    round({{ transactions }} / nullif({{ visitors }}, 0), 6)::double
{%- endmacro %}

{# Why a conversion is not to be taken at its word: the first reason that applies, '' for none. #}
{% macro conversion_flag(ratio, is_sales_missing="transaction_count is null") -%}
    case
        when traffic_status = 'closed' then case when transaction_count > 0 then 'sales_while_closed' else '' end
        when {{ is_sales_missing }} then 'sales_missing'
        when traffic_status = 'unknown' or visitor_count is null then 'traffic_unknown'
        when traffic_status = 'partial' then 'traffic_partial'
        when visitor_count = 0 and transaction_count > 0 then 'zero_visitors_with_sales'
        when {{ ratio }} > 1 then 'above_one'
        else ''
    end
{%- endmacro %}

{# The definition of turn-in that `turn_in_ratio` follows: the only one of three that cannot exceed 1. #}
{% macro turn_in_definition() %}{{ return("entries_over_entries_and_passers_by") }}{% endmacro %}

{#
    Sums of branch-days to a longer span, for a model that groups by branch and span. Sums hold what is known; that
    something is missing is what the counts of days and the flag say. Low and high add up: a span's bounds are wider
    than need be, never too narrow.
#}
{% macro conversion_sums() -%}
    any_value(currency_code) as currency_code,
    sum(transaction_count)::bigint as transaction_count,
    sum(sales_amount)::decimal(18, 2) as sales_amount,
    sum(visitor_count)::double as visitor_count,
    case when count(visitor_count_low) = count(*) then sum(visitor_count_low) end::double as visitor_count_low,
    case when count(visitor_count_high) = count(*) then sum(visitor_count_high) end::double as visitor_count_high,
    sum(paired_transaction_count)::bigint as paired_transaction_count,
    sum(paired_sales_amount)::decimal(18, 2) as paired_sales_amount,
    sum(paired_visitor_count)::double as paired_visitor_count,
    sum(paired_hour_count)::integer as paired_hour_count,
    sum(open_hour_count)::integer as open_hour_count,
    sum(expected_minutes)::bigint as expected_minutes,
    sum(received_minutes)::bigint as received_minutes,
    sum(entry_count) filter (where passer_by_count is not null)::bigint as passed_entry_count,
    sum(passer_by_count)::bigint as passer_by_count,
    count(*)::integer as day_count,
    count(*) filter (where traffic_status <> 'closed')::integer as open_day_count,
    count(*) filter (where is_paired)::integer as complete_day_count,
    bool_or(traffic_status <> 'closed' and transaction_count is null) as is_sales_missing,
    case
        when bool_and(traffic_status = 'closed') then 'closed'
        when bool_and(traffic_status in ('closed', 'complete')) then 'complete'
        when bool_and(traffic_status in ('closed', 'unknown')) then 'unknown'
        else 'partial'
    end as traffic_status
{%- endmacro %}

{# The measures of a span from its sums; beside them the model has its key. #}
{% macro conversion_of_sums() -%}
    currency_code,
    transaction_count,
    sales_amount,
    visitor_count,
    visitor_count_low,
    visitor_count_high,
    coalesce(paired_transaction_count, 0)::bigint as paired_transaction_count,
    coalesce(paired_sales_amount, 0)::decimal(18, 2) as paired_sales_amount,
    coalesce(paired_visitor_count, 0)::double as paired_visitor_count,
    {{ transactions_over('paired_transaction_count', 'paired_visitor_count') }} as conversion_ratio,
    case
        when is_paired then {{ transactions_over('paired_transaction_count', 'paired_visitor_count') }}
        when not is_sales_missing and traffic_status <> 'closed'
            then {{ transactions_over('transaction_count', 'visitor_count_high') }}
    end as conversion_ratio_low,
    case
        when is_paired then {{ transactions_over('paired_transaction_count', 'paired_visitor_count') }}
        when not is_sales_missing and traffic_status <> 'closed'
            then {{ transactions_over('transaction_count', 'visitor_count_low') }}
    end as conversion_ratio_high,
    round(sales_amount / nullif(transaction_count, 0), 2)::decimal(18, 2) as average_transaction_amount,
    round(paired_sales_amount / nullif(paired_visitor_count, 0), 2)::decimal(18, 2) as sales_per_visitor_amount,
    round(passed_entry_count / nullif(passed_entry_count + passer_by_count, 0), 6)::double as turn_in_ratio,
    round(received_minutes / nullif(expected_minutes, 0), 6)::double as coverage_ratio,
    calendar_day_count,
    day_count,
    open_day_count,
    complete_day_count,
    open_hour_count,
    paired_hour_count,
    traffic_status,
    is_paired,
    {{ conversion_flag('conversion_ratio', 'is_sales_missing') }} as flag
{%- endmacro %}
