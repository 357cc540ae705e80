{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

with branch_hours as (
    {{ indexed_hours(affected_days()) | indent(4) }}
),

staged as (
    select distinct
        store_code,
        feed,
        _business_date,
        _delivery_id,
        _delivered_at,
        _effective_at
    from {{ ref('stg_files__sales') }}
    where {{ only_days('_business_date', affected_days()) }}
),

sales_rows as (
    select * from {{ ref('int_conversion__sales_rows') }}
    where branch_code is not null and {{ only_days('business_date', affected_days()) }}
),

counter_hours as (
    select
        *,
        if(
            is_count_excluded, 0, greatest(coalesce(open_entry_count, 0), coalesce(open_exit_count, 0))
        ) as counted_people
    from {{ ref('int_trust__counter_hour_states') }}
    where placement = 'entrance' and {{ only_days('business_date', affected_days()) }}
),

-- Within a feed the newest delivery of a store-day stands; between feeds is_current says which does.
newest as (
    select * from staged
    qualify row_number() over (
        partition by store_code, feed, _business_date
        order by _effective_at desc, _delivery_id desc
    ) = 1
),

feed_sales as (
    select
        sales_rows.branch_code,
        sales_rows.business_date,
        sales_rows.feed,
        sales_rows.hour_start_at,
        sum(sales_rows.transaction_count) as transaction_count,
        sum(sales_rows.sales_amount) as sales_amount,
        bool_or(sales_rows.is_current) as is_current,
        max(newest._delivered_at) as delivered_at
    from sales_rows
    left join newest
        on
            sales_rows.store_code = newest.store_code
            and sales_rows.feed = newest.feed
            and sales_rows._business_date = newest._business_date
            and sales_rows.business_date = newest._business_date
            and sales_rows.delivery_id = newest._delivery_id
    where sales_rows.is_current or newest._delivery_id is not null
    group by sales_rows.branch_code, sales_rows.business_date, sales_rows.feed, sales_rows.hour_start_at
),

feed_days as (
    select
        branch_code,
        business_date,
        feed,
        bool_or(is_current) as is_current,
        max(delivered_at) as delivered_at
    from feed_sales
    group by branch_code, business_date, feed
),

standing_feeds as (
    select
        branch_code,
        business_date,
        if(min(feed) = max(feed), min(feed), 'mixed') as feed_of_record
    from feed_days
    where is_current
    group by branch_code, business_date
),

pairs as (
    select
        one.branch_code,
        one.business_date,
        one.feed as feed_a,
        other.feed as feed_b,
        one.delivered_at as delivered_at_a,
        other.delivered_at as delivered_at_b,
        unnest(['transaction_count', 'sales_amount']) as measure
    from feed_days as one
    inner join feed_days as other
        on
            one.branch_code = other.branch_code
            and one.business_date = other.business_date
            and one.feed < other.feed
),

pair_hours as (
    select
        pairs.*,
        hash(pairs.branch_code, pairs.business_date, pairs.feed_a, pairs.feed_b, pairs.measure) as unit_key,
        branch_hours.hour_index,
        branch_hours.hour_count,
        branch_hours.hour_start_at,
        branch_hours.open_mask,
        coalesce(if(pairs.measure = 'sales_amount', ones.sales_amount, ones.transaction_count), 0)::decimal(18, 2)
            as said_a,
        coalesce(if(pairs.measure = 'sales_amount', others.sales_amount, others.transaction_count), 0)::decimal(18, 2)
            as said_b
    from pairs
    inner join branch_hours
        on
            pairs.branch_code = branch_hours.branch_code
            and pairs.business_date = branch_hours.business_date
    left join feed_sales as ones
        on
            pairs.branch_code = ones.branch_code
            and pairs.feed_a = ones.feed
            and branch_hours.hour_start_at = ones.hour_start_at
    left join feed_sales as others
        on
            pairs.branch_code = others.branch_code
            and pairs.feed_b = others.feed
            and branch_hours.hour_start_at = others.hour_start_at
),

clock_hours as (
    select
        unit_key,
        hour_index,
        hour_count,
        said_a::double as value_a,
        said_b::double as value_b
    from pair_hours
),

{{ clock_shifts() }},

aligned as (
    select
        pair_hours.* replace (moved.said_b as said_b),
        coalesce(clock_shifts.shift_hours, 0) as shift_hours,
        bool_or(pair_hours.open_mask = 0 and pair_hours.said_a <> 0) over by_unit
        <> bool_or(pair_hours.open_mask = 0 and moved.said_b <> 0) over by_unit as is_filtered
    from pair_hours
    left join clock_shifts on pair_hours.unit_key = clock_shifts.unit_key
    inner join pair_hours as moved
        on
            pair_hours.unit_key = moved.unit_key
            and moved.hour_index = {{ unaligned_hour(
                'pair_hours.hour_index', 'coalesce(clock_shifts.shift_hours, 0)', 'pair_hours.hour_count'
            ) }}
    window by_unit as (partition by pair_hours.unit_key)
),

-- An hour that began after a side had delivered its last is not in it.
parted as (
    select
        *,
        hour_index + shift_hours not between 0 and hour_count - 1 as is_wrapped,
        (hour_start_at >= delivered_at_a and said_b <> 0) or (hour_start_at >= delivered_at_b and said_a <> 0)
            as is_uncovered,
        open_mask = 0 and is_filtered as is_left_out
    from aligned
    where said_a <> 0 or said_b <> 0
),

visitors as (
    select
        branch_code,
        business_date,
        hour_start_at,
        sum(counted_people) as entry_count,
        sum(usable_minutes) < sum(expected_minutes) as is_incomplete,
        bool_or(open_entry_count is null and received_minutes > 0) as is_daily
    from counter_hours
    where expected_minutes > 0
    group by branch_code, business_date, hour_start_at
),

-- Who buys came in that hour or the one before. Some doors count only one way: the larger of in and out is taken.
till_hours as (
    select
        feed_sales.branch_code,
        feed_sales.business_date,
        feed_sales.feed,
        feed_sales.hour_start_at,
        feed_sales.transaction_count,
        coalesce(visitors.entry_count, 0) + coalesce(before.entry_count, 0) as visitor_count,
        branch_hours.open_mask = 0 as is_closed,
        coalesce(visitors.is_incomplete or before.is_incomplete or visitors.is_daily, visitors.hour_start_at is null)
            as is_uncovered
    from feed_sales
    inner join branch_hours
        on
            feed_sales.branch_code = branch_hours.branch_code
            and feed_sales.hour_start_at = branch_hours.hour_start_at
    left join visitors
        on
            feed_sales.branch_code = visitors.branch_code
            and feed_sales.hour_start_at = visitors.hour_start_at
    left join visitors as before
        on
            feed_sales.branch_code = before.branch_code
            and feed_sales.business_date = before.business_date
            and feed_sales.hour_start_at - interval 1 hour = before.hour_start_at
    where feed_sales.is_current
),

borne as (
    select
        *,
        greatest(transaction_count - visitor_count, 0) as unborne_count
    from till_hours
),

compared as (
    select
        'sales' as kind,
        measure,
        branch_code,
        business_date,
        feed_a,
        feed_b,
        hour_start_at,
        said_a as value_a,
        said_b as value_b,
        if(is_wrapped, said_a - said_b, 0) as difference_clock,
        if(is_uncovered and not is_wrapped, said_a - said_b, 0) as difference_coverage,
        if(is_left_out and not is_uncovered and not is_wrapped, said_a - said_b, 0) as difference_out_of_hours,
        if(is_wrapped or is_uncovered or is_left_out, 0, said_a) as comparable_a,
        if(is_wrapped or is_uncovered or is_left_out, 0, said_b) as comparable_b,
        shift_hours
    from parted
    union all
    select
        'tills' as kind,
        'transaction_count' as measure,
        branch_code,
        business_date,
        feed as feed_a,
        'visitors' as feed_b,
        hour_start_at,
        transaction_count as value_a,
        transaction_count - unborne_count as value_b,
        0 as difference_clock,
        if(is_uncovered and not is_closed, unborne_count, 0) as difference_coverage,
        if(is_closed, unborne_count, 0) as difference_out_of_hours,
        if(is_uncovered or is_closed, 0, transaction_count) as comparable_a,
        if(is_uncovered or is_closed, 0, transaction_count - unborne_count) as comparable_b,
        0 as shift_hours
    from borne
)

select
    compared.kind,
    compared.measure,
    compared.branch_code,
    compared.business_date,
    compared.feed_a,
    compared.feed_b,
    '' as unit,
    compared.hour_start_at,
    compared.value_a::decimal(18, 2) as value_a,
    compared.value_b::decimal(18, 2) as value_b,
    compared.difference_clock::decimal(18, 2) as difference_clock,
    compared.difference_coverage::decimal(18, 2) as difference_coverage,
    compared.difference_out_of_hours::decimal(18, 2) as difference_out_of_hours,
    compared.comparable_a::decimal(18, 2) as comparable_a,
    compared.comparable_b::decimal(18, 2) as comparable_b,
    0::decimal(18, 2) as staff_count,
    compared.kind = 'sales' as is_comparable,
    compared.shift_hours::integer as clock_shift_hours,
    coalesce(standing_feeds.feed_of_record, '') as feed_of_record
from compared
left join standing_feeds
    on
        compared.branch_code = standing_feeds.branch_code
        and compared.business_date = standing_feeds.business_date
order by
    compared.business_date,
    compared.branch_code,
    compared.kind,
    compared.measure,
    compared.feed_a,
    compared.feed_b,
    compared.hour_start_at
