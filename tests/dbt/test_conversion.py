"""Sales against visitors: a point where both are known, bounds where one is partial, a flag otherwise."""

from datetime import date
from decimal import Decimal

from tests.dbt.conftest import MONDAY, Story, day

CONVERSION = """
select transaction_count, sales_amount, visitor_count, conversion_ratio, conversion_ratio_low, conversion_ratio_high,
    is_paired, flag
from marts.fct_branch_conversion_daily where branch_code = '{}' and business_date = '{}'
"""


def test_revised_sales_replace_the_store_day(story: Story) -> None:
    query = f"""
        select transaction_count, sales_amount from marts.fct_branch_conversion_daily
        where branch_code = 'SHOP' and business_date = '{day(0)}'
    """
    assert story.one(query) == (7, Decimal("70.00"))


def test_ratio_is_over_paired_hours_and_partial_days_have_an_upper_bound(story: Story) -> None:
    # Monday: east is silent from 17:30, so eight of nine hours are paired: 7 transactions, 2 x 480 visitors.
    assert story.one(CONVERSION.format("SHOP", day(0))) == (
        7, Decimal("70.00"), 1050.0, round(7 / 960, 6), None, round(7 / 1050, 6), False, "traffic_partial",
    )  # fmt: skip


def test_sales_on_a_closed_day_are_flagged(story: Story) -> None:
    assert story.one(CONVERSION.format("SHOP", day(4))) == (
        2, Decimal("20.00"), 0.0, None, None, None, False, "sales_while_closed",
    )  # fmt: skip


def test_day_without_sales_is_missing_not_zero(story: Story) -> None:
    assert story.one(CONVERSION.format("KIOSK", day(0))) == (
        None,
        None,
        270.0,
        None,
        None,
        None,
        False,
        "sales_missing",
    )


def test_a_week_and_a_period_are_the_sums_of_their_days_and_a_ratio_of_sums(story: Story) -> None:
    days = """
        select
            branch_code, sum(transaction_count), sum(visitor_count), sum(paired_hour_count),
            round(sum(paired_transaction_count) / nullif(sum(paired_visitor_count), 0), 6)
        from marts.fct_branch_conversion_daily group by branch_code order by all
    """
    spans = """
        select branch_code, transaction_count, visitor_count, paired_hour_count, conversion_ratio
        from marts.fct_branch_conversion_{} order by all
    """
    assert story.rows(spans.format("weekly")) == story.rows(spans.format("period")) == story.rows(days)
    keys = """
        select distinct
            w.iso_year, w.iso_week, w.week_starts_on, p.retail_period, p.period_starts_on, p.calendar_day_count
        from marts.fct_branch_conversion_weekly as w, marts.fct_branch_conversion_period as p
    """
    assert story.one(keys) == (2026, 13, MONDAY, 3, date(2026, 2, 23), 35)


def test_a_week_with_a_day_without_sales_has_no_bounds(story: Story) -> None:
    query = """
        select
            flag, is_paired, conversion_ratio_low, conversion_ratio_high, day_count, open_day_count, complete_day_count
        from marts.fct_branch_conversion_weekly where branch_code = 'SHOP'
    """
    assert story.one(query) == ("sales_missing", False, None, None, 7, 6, 0)
