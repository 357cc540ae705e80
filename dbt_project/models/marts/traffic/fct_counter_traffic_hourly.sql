{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{{ delete_days('business_date', affected_days()) }}",
    )
}}

select
    source,
    device_id,
    line_id,
    branch_code,
    placement,
    hour_start_at,
    hour_local,
    business_date,
    entry_count,
    exit_count,
    staff_count,
    open_entry_count,
    open_exit_count,
    expected_minutes,
    received_minutes,
    state,
    reason,
    feed,
    is_ambiguous_local
from {{ ref('int_trust__counter_hour_states') }}
where {{ only_days('business_date', affected_days()) }}
order by business_date, source, device_id, line_id, hour_start_at
