"""What `fct_branch_restatement` says of a corrected branch-day: from what to what, and because of which delivery."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.publish.published import publish
from orchestration.publish.verify import content_hashes
from tests.publish.chain import HOUR, NINE, ask, run
from tests.publish.deliveries import DAY, deliver, fall, prepare, recount, sell, stand

CAUSE = "branch_code, cause, feeds, file_names"


@pytest.fixture
def chain(home: Path, warehouse: Path) -> Path:
    """A home that has published once, with one delivery standing in B1's day."""
    prepare(warehouse)
    (home / "reference").mkdir()
    (home / "reference" / "counters.csv").write_text("as it was")
    deliver(warehouse, "first")
    publish(warehouse, home, NINE)
    return warehouse


def restated(home: Path, columns: str = CAUSE, published_at: datetime | None = None) -> list[tuple[Any, ...]]:
    where = f"where published_at = '{published_at}'" if published_at else ""
    return ask(home, f"select {columns} from marts.fct_branch_restatement {where} order by published_at, branch_code")


def test_a_first_statement_is_no_restatement(home: Path, chain: Path) -> None:
    assert restated(home) == []


def test_a_late_file_is_named_with_what_stood_before_and_after(home: Path, chain: Path) -> None:
    deliver(chain, "second", status="late", entries=7, door="other door")
    publish(chain, home, NINE + HOUR)
    said = "business_date::varchar, revision, entry_count_old, entry_count_new, status_old, status_new, is_retracted"
    assert restated(home, said) == [(DAY, 2, 5, 12, "complete", "complete", False)]
    assert restated(home) == [("B1", "late_delivery", ["counts"], ["second.csv"])]
    assert restated(home, "delivery_ids, transaction_count_old, transaction_count_new") == [(["second"], 1, 1)]
    assert restated(home, "is_traffic_restated, is_conversion_restated") == [(True, False)]


def test_a_file_in_time_after_the_first_statement_is_new(home: Path, chain: Path) -> None:
    deliver(chain, "second", entries=7, door="other door")
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [("B1", "new_delivery", ["counts"], ["second.csv"])]


def test_a_newer_file_and_the_one_it_replaced_are_both_named(home: Path, chain: Path) -> None:
    fall(chain, "first")
    deliver(chain, "second", status="late", entries=7)
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [("B1", "revised_delivery", ["counts"], ["first.csv", "second.csv"])]


def test_rows_that_a_newer_file_overlaps_only_in_part_are_revised_too(home: Path, chain: Path) -> None:
    run(chain, "update marts.fct_counter_lineage set row_count = 4, entry_count = 2")
    deliver(chain, "second", entries=7)
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [("B1", "revised_delivery", ["counts"], ["first.csv", "second.csv"])]


def test_a_withdrawn_file_and_its_return_are_told_apart(home: Path, chain: Path) -> None:
    fall(chain, "first")
    deliver(chain, "second", entries=7)
    publish(chain, home, NINE + HOUR)
    fall(chain, "second", status="retracted")
    stand(chain, "first")
    publish(chain, home, NINE + 2 * HOUR)
    fall(chain, "first")
    stand(chain, "second", entries=7)
    run(chain, "update marts.fct_delivery set status = 'on_time' where delivery_id = 'second'")
    publish(chain, home, NINE + 3 * HOUR)
    assert restated(home, "cause, entry_count_old, entry_count_new") == [
        ("revised_delivery", 5, 7),
        ("retracted_delivery", 7, 5),
        ("reinstated_delivery", 5, 7),
    ]


def test_a_file_that_cannot_be_read_and_one_that_is_missed_are_causes_of_their_own(home: Path, chain: Path) -> None:
    deliver(chain, "torn", "B2", status="rejected")
    deliver(chain, "", "B3", status="missing")
    run(chain, f"update marts.fct_branch_traffic_daily set status = 'unknown' where business_date = '{DAY}'")
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [
        ("B0", "history_changed", [], []),
        ("B1", "history_changed", [], []),
        ("B2", "new_delivery", ["counts"], ["torn.csv"]),
        ("B3", "missing_delivery", ["counts"], []),
    ]


def test_sales_explain_conversion_and_not_traffic(home: Path, chain: Path) -> None:
    sell(chain, "tills", 3)
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [("B1", "new_delivery", ["sales"], ["tills.csv"])]
    said = "revision, conversion_revision, transaction_count_old, transaction_count_new, entry_count_old"
    assert restated(home, said) == [(1, 2, 1, 3, 5)]
    sell(chain, "more tills", 3, "B2")
    run(chain, "update marts.fct_branch_traffic_daily set exit_count = 8 where branch_code = 'B2'")
    later = publish(chain, home, NINE + 2 * HOUR)
    days = restated(home, "business_date::varchar, cause, is_conversion_restated", later.published_at)
    assert len(days) == 10
    assert [(cause, sales) for day, cause, sales in days if day == DAY] == [("new_delivery", True)]


def test_without_a_delivery_reference_files_or_history_moved_the_number(home: Path, chain: Path) -> None:
    run(chain, f"update marts.fct_branch_traffic_daily set entry_count_low = 0 where business_date = '{DAY}'")
    publish(chain, home, NINE + HOUR)
    assert {cause for _, cause, _, _ in restated(home)} == {"history_changed"}
    (home / "reference" / "counters.csv").write_text("a counter more")
    run(chain, f"update marts.fct_branch_traffic_daily set entry_count = 3 where business_date = '{DAY}'")
    publication = publish(chain, home, NINE + 2 * HOUR)
    assert restated(home, "distinct cause", publication.published_at) == [("reference_changed",)]


def test_a_delivery_that_is_only_placed_otherwise_is_no_new_one(home: Path, chain: Path) -> None:
    (home / "reference" / "counters.csv").write_text("the counter stands in B2")
    run(chain, "update marts.fct_counter_lineage set branch_code = 'B2'")
    for branch in ("B1", "B2"):
        recount(chain, branch)
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [("B1", "reference_changed", [], []), ("B2", "reference_changed", [], [])]


def test_the_same_delivery_read_otherwise_is_another_calculation(home: Path, chain: Path) -> None:
    run(chain, "update marts.fct_counter_lineage set entry_count = 6")
    recount(chain)
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [("B1", "calculation_changed", [], [])]


def test_a_file_of_several_days_is_late_for_some_of_them(home: Path, chain: Path) -> None:
    deliver(chain, "week", entries=7, door="other door")
    run(
        chain,
        """
        insert into marts.fct_delivery by name
        select * replace (business_date - 1 as business_date, expected_by - interval 1 day as expected_by)
        from marts.fct_delivery where delivery_id = 'week'
        """,
    )
    publish(chain, home, NINE + HOUR)
    assert restated(home) == [("B1", "new_delivery", ["counts"], ["week.csv"])]


def test_causes_are_history_and_not_found_anew(home: Path, chain: Path) -> None:
    deliver(chain, "second", status="late", door="other door")
    publish(chain, home, NINE + HOUR)
    before = restated(home, "*")
    run(chain, "delete from marts.fct_delivery; delete from marts.fct_counter_lineage")
    publish(chain, home, NINE + 2 * HOUR)
    assert restated(home, "*") == before
    assert len(list((home / "revisions" / "restatement_cause").iterdir())) == 1


def test_revisions_from_before_causes_were_kept_say_so(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    run(warehouse, f"update marts.fct_branch_traffic_daily set entry_count = 2 where business_date = '{DAY}'")
    publish(warehouse, home, NINE + HOUR)
    prepare(warehouse)
    deliver(warehouse, "first")
    publish(warehouse, home, NINE + 2 * HOUR)
    deliver(warehouse, "second", status="late", door="other door")
    publish(warehouse, home, NINE + 3 * HOUR)
    assert ask(home, "select cause, count(*) from marts.fct_branch_restatement group by all order by all") == [
        ("late_delivery", 1),
        ("not_recorded", 5),
    ]


def test_a_vanished_branch_day_is_a_restatement_to_nothing(home: Path, chain: Path) -> None:
    for mart in ("traffic", "conversion"):
        run(chain, f"delete from marts.fct_branch_{mart}_daily where branch_code = 'B1' and business_date = '{DAY}'")
    publish(chain, home, NINE + HOUR)
    assert restated(home, "is_retracted, entry_count_old, entry_count_new, revision") == [(True, 5, None, 2)]


def test_restatements_are_no_content(home: Path, chain: Path) -> None:
    deliver(chain, "second", status="late", door="other door")
    publication = publish(chain, home, NINE + HOUR)
    assert content_hashes(publication.database) == content_hashes(chain)
