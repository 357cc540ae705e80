"""Outages, deliveries, imports and rejected rows: every missing minute and every file has its reason."""

from tests.dbt.conftest import Story, day

OUTAGES = """
select strftime(started_at, '%d %H:%M'), strftime(ended_at, '%d %H:%M'), outage_minutes, reason
from marts.fct_counter_outage where device_id = '{}' order by started_at
"""


def test_outage_is_exact_to_the_minute_and_not_split_at_midnight(story: Story) -> None:
    # Athens is two hours ahead of UTC: 22:17 on Tuesday to 05:03 on Wednesday.
    assert story.rows(OUTAGES.format("kiosk"))[0] == ("24 20:17", "25 03:03", 406, "device_offline")


def test_outage_spans_closed_hours_unless_the_device_shows_life(story: Story) -> None:
    found = story.rows(OUTAGES.format("east"))
    assert found[:4] == [
        ("23 17:30", "24 10:00", 90, "device_offline"),
        ("25 17:00", "25 18:00", 60, "device_offline"),  # one row at 03:30 tells that it lived in between
        ("26 09:00", "26 09:20", 20, "device_offline"),
        ("28 10:02", "28 10:03", 1, "delivery_rejected"),
    ]


def test_day_that_never_came_and_file_that_could_not_be_read_have_their_own_reasons(story: Story) -> None:
    assert story.rows(OUTAGES.format("west")) == [
        ("24 09:00", "24 18:00", 540, "delivery_missing"),
        ("28 09:00", "28 18:00", 540, "delivery_rejected"),
    ]


def test_late_day_is_complete_and_says_that_it_was_late(story: Story) -> None:
    query = f"""
        select distinct state, reason from marts.fct_counter_traffic_hourly
        where device_id = 'west' and business_date = '{day(2)}' and expected_minutes > 0
    """
    assert story.rows(query) == [("received_late", "late_delivery")]


def test_branch_minutes_are_counted_by_reason(story: Story) -> None:
    query = f"""
        select device_offline_minutes, delivery_missing_minutes, delivery_rejected_minutes, coverage_ratio
        from marts.fct_branch_traffic_daily where branch_code = 'SHOP' and business_date = '{day(5)}'
    """
    assert story.one(query) == (0, 0, 541, 0.499074)


def test_every_delivery_has_one_status(story: Story) -> None:
    query = """
        select device_id, strftime(business_date, '%d'), status from marts.fct_delivery
        where feed = 'minutes' and status <> 'on_time' order by all
    """
    # Sunday's files came at 04:00 UTC, as always; in Athens that is 07:00 since the clock change, and 06:00 was due.
    assert story.rows(query) == [
        ("east", "27", "partial"),
        ("east", "28", "partial"),
        ("kiosk", "28", "missing"),
        ("kiosk", "29", "late"),
        ("passage", "28", "missing"),
        ("west", "24", "missing"),
        ("west", "25", "late"),
        ("west", "27", "rejected"),
        ("west", "28", "rejected"),
    ]


def test_rejected_rows_name_line_column_and_file(story: Story) -> None:
    query = """
        select line_number, column_name, reason, file_name from marts.fct_rejected_row
        where reason = 'blank_value' order by business_date
    """
    assert story.rows(query)[0] == (604, "entry_count", "blank_value", f"minutes-east-{day(4)}.csv")


def test_import_with_an_unknown_store_loads_the_rest(story: Story) -> None:
    query = """
        select row_count, rejected_row_count, loaded_row_count, status
        from marts.fct_sales_import where import_id = 'sales-0'
    """
    assert story.one(query) == (3, 1, 2, "partial")
    unknown = "select line_number, value from marts.fct_rejected_row where reason = 'unknown_store'"
    assert story.rows(unknown) == [(4, "NOWHERE")]


def test_a_clock_that_steps_back_is_told_and_counted(story: Story) -> None:
    query = "select device_id, strftime(business_date, '%d'), kind, is_excluded, detail from marts.fct_counter_anomaly"
    detail = "The clock steps back by 2 min at line 1441 of its file."
    assert story.rows(query) == [("east", "28", "clock_step_back", False, detail)]
