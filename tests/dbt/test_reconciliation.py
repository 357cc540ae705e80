"""Two figures of one day: every injected cause is attributed to itself, and the parts add up to the difference."""

from typing import Any

import pytest

from tests.dbt.differing_chain import MONDAY, SIZES, Chain, build, chain, crowds, people
from tests.dbt.small_home import Delivery

PARTS = ["coverage", "out_of_hours", "staff", "placement", "clock", "scale", "unexplained"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return chain(tmp_path_factory.mktemp("reconciliation"))


def found(home: Chain, code: str, where: str = "true") -> dict[str, Any]:
    columns = ["difference", *(f"difference_{part}" for part in PARTS), "cause", "is_reconciled", "source_of_record"]
    columns += ["clock_shift_hours", "scale_ratio", "placement_counter", "kind", "feed_a", "feed_b"]
    query = f"select {', '.join(columns)} from marts.fct_reconciliation where branch_code = '{code}' and {where}"
    (row,) = home.rows(query)
    return dict(zip(columns, row, strict=True))


def explained(home: Chain, code: str, cause: str, where: str = "true") -> dict[str, Any]:
    """Assert that the whole difference is of this cause, or all unexplained; return the row."""
    row = found(home, code, where)
    assert row["cause"] == cause, row
    assert row["is_reconciled"] == (cause != "unexplained"), row
    part = row["difference"] if cause in ("none", "clock") else row["difference"] - row[f"difference_{cause}"]
    assert part == 0, row
    return row


OVERLAPS = {
    "SAME": "none",
    "GAP": "coverage",
    "MIXED": "coverage",
    "NIGHT": "out_of_hours",
    "ZEROS": "out_of_hours",
    "RATIO": "scale",
    "AHEAD": "clock",
    "NOON": "clock",
    "STAFF": "staff",
    "LOST": "unexplained",
    "DAY": "unexplained",
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("code", "cause"), OVERLAPS.items())
def test_the_reason_why_two_feeds_of_a_counter_differ_is_found(home: Chain, code: str, cause: str, size: str) -> None:
    row = explained(home, f"O-{code}{size}", cause)
    assert (row["kind"], row["feed_a"]) == ("overlap", "nightly")
    assert row["source_of_record"] == ("mixed" if code == "MIXED" else "nightly")
    assert row["clock_shift_hours"] == {"AHEAD": 2, "NOON": 12}.get(code, 0)


@pytest.mark.parametrize("size", SIZES)
def test_doors_whose_differences_cancel_do_not_agree(home: Chain, size: str) -> None:
    row = found(home, f"O-DOORS{size}")
    assert abs(row["difference"]) <= 10
    assert row["cause"] == "scale"


REPORTS = {
    "SAME": "none",
    "DAY": "none",
    "STAFF": "staff",
    "EARLY": "out_of_hours",
    "NIGHT": "out_of_hours",
    "INNER": "placement",
    "SIDE": "placement",
    "GONE": "placement",
    "RATIO": "scale",
    "CLOCK": "clock",
    "HOLE": "coverage",
    "PATCH": "coverage",
    "NOISE": "unexplained",
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("code", "cause"), REPORTS.items())
def test_the_reason_why_a_vendors_report_differs_is_found(home: Chain, code: str, cause: str, size: str) -> None:
    row = explained(home, f"R-{code}{size}", cause)
    assert (row["kind"], row["feed_a"], row["feed_b"]) == ("vendor_report", "footfallcam_cube", "counters")
    named = {"INNER": "lift", "SIDE": "west", "GONE": "old"}
    assert row["placement_counter"] == (f"footfallcam/R-{code}{size}-{named[code]}" if code in named else "")


@pytest.mark.parametrize("size", ["", "-busy"])  # in a quiet shop a scale alone fits to a person an hour
def test_two_reasons_at_once_are_told_apart(home: Chain, size: str) -> None:
    row = found(home, f"R-BOTH{size}")
    assert row["difference_staff"] == -sum(crowds(size)("staff of shops", 4).values())
    assert row["difference_scale"] == row["difference"] - row["difference_staff"]
    assert row["scale_ratio"] == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("measure", ["transaction_count", "sales_amount"])
@pytest.mark.parametrize("code", ["SAME", "TAX", "CLOCK", "MORE"])
def test_two_tills_of_a_shop_are_compared(home: Chain, code: str, measure: str) -> None:
    cause = {"SAME": "none", "TAX": "scale", "CLOCK": "clock", "MORE": "unexplained"}[code]
    if (code, measure) == ("TAX", "transaction_count"):
        cause = "none"
    row = explained(home, f"S-{code}", cause, f"kind = 'sales' and measure = '{measure}'")
    assert row["source_of_record"] == "tills"  # the newest delivery of a store-day replaces the others


def test_transactions_without_visitors_say_why(home: Chain) -> None:
    row = found(home, "S-DEAD", "kind = 'tills'")
    assert (row["difference_out_of_hours"], row["cause"], row["difference_unexplained"]) == (3, "coverage", 0)
    assert row["difference_coverage"] > 100
    assert explained(home, "S-SAME", "none", "kind = 'tills'")["feed_b"] == "visitors"


def test_the_parts_add_up_and_a_report_is_compared_with_the_published_figure(home: Chain) -> None:
    parts = " + ".join(f"difference_{part}" for part in PARTS)
    assert home.rows(f"select count(*), count(*) filter (difference = {parts}) from marts.fct_reconciliation") == [
        (len(home.rows("from marts.fct_reconciliation")),) * 2
    ]
    other = """
        select branch_code, value_b, entry_count
        from marts.fct_reconciliation inner join marts.fct_branch_traffic_daily using (branch_code, business_date)
        where kind = 'vendor_report' and value_b is distinct from entry_count
    """
    assert home.rows(other) == []


def test_a_late_file_changes_only_its_shop_and_equals_a_rebuild(home: Chain) -> None:
    others = "select * from marts.fct_reconciliation where branch_code <> 'O-GAP' order by all"
    before = home.rows(others)
    late = {at: count for at, count in people("O-gap").items() if at.hour in (13, 14)}
    home.deliver(Delivery("live", MONDAY, "O-gap", [(at, count, 0) for at, count in late.items()], name="late"))
    home.write(touched=[MONDAY])
    build(home)
    assert home.rows(others) == before
    explained(home, "O-GAP", "none")
    grown = home.contents()
    home.write()
    build(home, full_refresh=True)
    assert home.contents() == grown
