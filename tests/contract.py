"""The public contract as tests ask for it: shipped feeds, verbs, and the columns of the marts that reports rely on."""

SHIPPED_FEEDS = "footfallcam_daily xovis_export incumbent_counts sales bespot_visits bespot_occupancy "
SHIPPED_FEEDS += "footfallcam_device footfallcam_export_api footfallcam_cube footfallcam_sites "
SHIPPED_FEEDS += "xovis_history xovis_live xovis_status xovis_legacy xovis_document"
VERBS = "demo init doctor ingest import transform publish run replay status query rebuild verify backtest "
VERBS += "explain retract"
_BRANCH = "branch_code business_date entry_count exit_count entry_count_estimated entry_count_low entry_count_high "
# publishing adds revision to the daily mart
_BRANCH += "expected_minutes received_minutes coverage_ratio status is_verified estimate_method"
_SALES = "branch_code business_date transaction_count sales_amount visitor_count conversion_ratio conversion_ratio_low "
_SALES += "conversion_ratio_high is_paired flag"
_SPAN = _SALES.replace(" business_date", "") + " average_transaction_amount sales_per_visitor_amount turn_in_ratio "
_SPAN += "coverage_ratio day_count complete_day_count"
CONTRACT = {  # columns that reports rely on; taking one away is a line in CHANGELOG.md
    "dim_branch": "branch_code timezone",
    "dim_counter": "source device_id line_id branch_code placement",
    "dim_date": "business_date",
    "fct_branch_traffic_daily": _BRANCH,
    "fct_branch_traffic_hourly": f"{_BRANCH} hour_start_at hour_local",
    "fct_counter_traffic_hourly": "source device_id line_id branch_code hour_start_at business_date entry_count "
    "exit_count staff_count expected_minutes received_minutes state reason feed",
    "fct_region_traffic_daily": "country region business_date branch_count complete_branch_count entry_count status",
    "fct_counter_state": "source device_id line_id branch_code business_date started_at ended_at minutes state reason",
    "fct_counter_outage": "source device_id line_id branch_code started_at ended_at outage_minutes reason "
    "entry_count_lost_estimated",
    "fct_branch_conversion_daily": f"{_SALES} average_transaction_amount sales_per_visitor_amount turn_in_ratio",
    "fct_branch_conversion_hourly": f"{_SALES} hour_start_at hour_local",
    "fct_counter_lineage": "source device_id line_id branch_code business_date feed delivery_id file_name sha256 "
    "first_row_number last_row_number row_count entry_count",
    "fct_sales_lineage": "branch_code business_date feed delivery_id file_name sha256 row_count transaction_count "
    "sales_amount",
    "fct_counter_anomaly": "source device_id line_id branch_code business_date kind observed_value usual_value score "
    "other_device_id is_excluded detail",
    "fct_reconciliation": "branch_code business_date kind measure feed_a feed_b source_of_record value_a value_b "
    "difference tolerance is_reconciled cause",
    "fct_branch_conversion_weekly": f"{_SPAN} week_starts_on iso_year iso_week",
    "fct_branch_conversion_period": f"{_SPAN} period_starts_on retail_year retail_quarter retail_period",
    "fct_occupancy_15min": "branch_code business_date quarter_start_at quarter_local entry_count exit_count "
    "occupancy_live occupancy_corrected occupancy_vendor drift_at_close is_complete status",
    "fct_zone_wait": "source device_id line_id branch_code business_date quarter_start_at arrival_count "
    "occupancy_average wait_seconds is_steady reason",
    "fct_branch_dwell_daily": "branch_code business_date entry_count dwell_seconds vendor_dwell_seconds "
    "difference_ratio reason",
    "fct_delivery": "feed business_date device_id expected_by received_at status file_name sha256 row_count "
    "rejected_row_count revision",
    "fct_rejected_row": "feed business_date file_name line_number column_name value reason",
    "fct_sales_import": "import_id file_name status row_count rejected_row_count loaded_row_count",
}
