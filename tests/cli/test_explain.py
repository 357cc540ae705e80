"""`explain`: every part of a published number, and nothing that is not published."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

Asked = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def published(demo) -> Path:
    return demo[0] / "published" / "footfall.duckdb"


def ask(published: Path, question: str) -> Asked:
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.execute(question).fetchall()


@pytest.fixture(scope="module")
def explained(demo, footfall, published: Path) -> list[dict[str, Any]]:
    """Every branch-day of the demo, explained."""
    days = ask(published, "select branch_code, business_date::varchar from marts.fct_branch_traffic_daily order by all")
    return [footfall("explain", *day, "--json", "--home", demo[0]).json for day in days]


def test_the_minutes_of_every_open_counter_are_accounted_for(explained):
    for told in explained:
        for counter in told["counters"]:
            key = tuple(counter[name] for name in ("source", "device_id", "line_id", "placement"))
            spans = [
                span["minutes"]
                for span in told["states"]
                if key == tuple(span[name] for name in ("source", "device_id", "line_id", "placement"))
            ]
            assert sum(spans) == counter["expected_minutes"]


def test_the_files_named_hold_the_people_counted(explained):
    checked = 0
    for told in explained:
        for counter in told["counters"]:
            entries = [
                file["entry_count"]
                for file in told["files"]
                if (file["source"], file["device_id"], file["line_id"], file["placement"])
                == tuple(counter[name] for name in ("source", "device_id", "line_id", "placement"))
            ]
            if entries and counter["entry_count"] is not None:
                assert sum(entries) == counter["entry_count"]
                checked += 1
        assert all(len(file["sha256"]) == 64 and file["row_count"] > 0 for file in told["files"])
        figure = told["figure"]
        entrances = [item for item in told["counters"] if item["placement"] == "entrance"]
        if figure["status"] == "complete" and all(item["open_entry_count"] is not None for item in entrances):
            assert sum(item["open_entry_count"] for item in entrances) == figure["entry_count"]
    assert checked > 20


def test_a_delivery_is_named_once_as_standing_or_as_not(explained):
    for told in explained:
        standing = {(file["delivery_id"], file["device_id"]) for file in told["files"]}
        others = [item for item in told["other_deliveries"] if item["status"] != "duplicate"]
        assert not standing & {(item["delivery_id"], item["device_id"]) for item in others}


def test_every_restatement_is_in_the_history_of_its_day(explained, published: Path):
    told = [item["cause"] for day in explained for item in day["restatements"]]
    assert len(told) == ask(published, "select count(*) from marts.fct_branch_restatement")[0][0] > 0
    assert {"late_delivery", "revised_delivery"} & set(told)
    assert all(len(day["revisions"]) >= 1 for day in explained)


def test_rejected_rows_are_told_with_their_file_and_lines(explained):
    rejected = [row for day in explained for row in day["rejected_rows"]]
    assert rejected
    assert all(row["reason"] and row["row_count"] > 0 for row in rejected)


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_say_the_same_on_any_terminal(demo, footfall, explained, monkeypatch, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    day = max(explained, key=lambda told: len(told["restatements"]) + len(told["rejected_rows"]))
    branch, date = day["branch"]["branch_code"], day["business_date"]
    shown = footfall("explain", branch, date, "--home", demo[0])
    assert shown.exit_code == 0
    assert f"{day['figure']['entry_count']:,} in" in shown.stdout
    assert day["figure"]["status"] in shown.stdout
    for counter in day["counters"]:
        assert f"{counter['received_minutes']:,} / {counter['expected_minutes']:,}" in shown.stdout
    for file in day["files"]:
        assert file["sha256"][:12] in shown.stdout
    for title in ("Counters", "Deliveries that stand in it", "Sales", "What was said of it"):
        assert title in shown.stdout


def test_a_branch_or_day_that_was_never_published_is_wrong_usage(demo, footfall):
    unknown = footfall("explain", "031", "2026-04-05", "--home", demo[0])
    assert unknown.exit_code == 2
    assert "did you mean 0301" in " ".join(unknown.stderr.split())
    never = footfall("explain", "0301", "2031-04-05", "--home", demo[0])
    assert never.exit_code == 2
    assert "2031-04-05" in never.stderr
    assert footfall("explain", "0301", "yesterday", "--home", demo[0]).exit_code == 2


def test_before_the_first_publication_there_is_nothing_to_explain(footfall, home: Path):
    told = footfall("explain", "0301", "2026-04-05", "--home", home)
    assert told.exit_code == 1
    assert "footfall publish" in told.stderr
