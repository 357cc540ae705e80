"""A delivery that was imported by mistake is withdrawn: its bytes stay, its rows go, what it had replaced returns."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.home import Home, open_home
from orchestration.landing.ledger_queries import delivery_rows, known_days, touched_days
from orchestration.landing.retractions import Retraction, named_deliveries, note_retraction, reopen, retracted
from orchestration.steps import import_files, rebuild_raw, replay, retract
from tests.landing.test_steps import BRANCH, COUNTER, FEEDS, at, counts, daily, drop, raw_rows

FEED, DAY = "footfallcam_daily", date(2026, 3, 2)


@pytest.fixture
def home(write_home) -> Home:
    return open_home(write_home(BRANCH, COUNTER, feeds=FEEDS))


def bring(home: Home, count: int, day: int, name: str = "d1_20260302.csv", rows: str = "") -> str:
    """Import a file that was written on that day of March; return its delivery."""
    known = {item.delivery_id for item in delivered(home)}
    text = rows or daily([("2026-03-02 10:00:00", count)])
    import_files(home, home.catalogue[FEED], [drop(home.settings.home / "hand" / str(day), name, text, at(day))])
    fresh = {item.delivery_id for item in delivered(home)} - known
    return fresh.pop() if fresh else ""


def delivered(home: Home):
    return home.ledger.of_days(FEED, [date(2026, 3, day) for day in range(1, 28)])


def withdraw(home: Home, delivery: str, reason: str = "wrong shop", *, undo: bool = False):
    return retract(home, home.catalogue[FEED], delivery, reason, undo=undo)


def states(home: Home) -> dict[str, tuple[str, bool]]:
    return {row["delivery_id"]: (row["state"], row["is_superseded"]) for row in delivery_rows(home.ledger, [DAY])}


def test_its_rows_go_and_its_day_is_touched(home):
    delivery = bring(home, 4, 3)
    home.ledger.transformed((item.feed, item.business_date, item.count) for item in touched_days(home.ledger))
    result = withdraw(home, delivery)
    assert counts(home) == []
    assert [item.business_date for item in touched_days(home.ledger)] == [DAY]
    assert (result.rows, result.unreadable, result.days) == (0, 0, {DAY})
    ((_, row),) = [(row["state"], row) for row in delivery_rows(home.ledger, [DAY])]
    assert (row["state"], row["reason"], row["row_count"]) == ("retracted", "wrong shop", 1)


def test_the_older_delivery_that_it_replaced_stands_again(home):
    first, second = bring(home, 4, 3), bring(home, 9, 4)
    assert counts(home) == [9]
    withdraw(home, second)
    assert counts(home) == [4]
    assert states(home) == {first: ("parsed", False), second: ("retracted", False)}


def test_a_later_delivery_stays_when_the_older_one_is_withdrawn(home):
    first, second = bring(home, 4, 3), bring(home, 9, 4)
    withdraw(home, first)
    assert counts(home) == [9]
    assert states(home) == {first: ("retracted", False), second: ("parsed", False)}


def test_twice_is_once_and_undone_it_stands_as_before(home):
    bring(home, 4, 3)
    second = bring(home, 9, 4)
    before = raw_rows(home)
    for _ in range(2):
        withdraw(home, second)
    assert counts(home) == [4]
    (file,) = home.landing.root.rglob("retracted.jsonl")
    assert file.read_text().count("\n") == 1
    for _ in range(2):
        withdraw(home, second, undo=True)
    assert raw_rows(home) == before
    assert file.read_text().count("\n") == 2
    assert states(home)[second] == ("parsed", False)


@pytest.mark.parametrize("order", ["first second withdraw", "second withdraw first", "second first withdraw"])
def test_when_it_was_withdrawn_makes_no_difference(home, order: str):
    found: dict[str, str] = {}
    for step in order.split():
        if step == "withdraw":
            withdraw(home, found["second"])
        else:
            found[step] = bring(home, 4, 3) if step == "first" else bring(home, 9, 4)
    assert counts(home) == [4]
    assert states(home) == {found["first"]: ("parsed", False), found["second"]: ("retracted", False)}
    assert known_days(home.ledger) == [DAY]


def test_the_same_bytes_again_and_a_replay_stay_withdrawn(home):
    delivery = bring(home, 4, 3)
    withdraw(home, delivery)
    assert bring(home, 4, 5) == ""
    replay(home, home.catalogue[FEED], DAY, DAY)
    assert counts(home) == []
    assert states(home)[delivery] == ("duplicate", False)
    rows = delivery_rows(home.ledger, [DAY])
    assert sorted(row["state"] for row in rows) == ["duplicate", "retracted"]


def test_its_rejected_rows_go_with_it(home):
    delivery = bring(home, 0, 3, rows=daily([("2026-03-02 10:00:00", 4)]) + "d1,2026-03-02 10:01:00,many,0\n")
    assert len(raw_rows(home, "rejected")) == 1
    withdraw(home, delivery)
    assert raw_rows(home, "rejected") == []


def test_a_day_that_only_it_told_of_is_unknown_again(home):
    bring(home, 4, 3)
    astray = bring(home, 4, 4, "d1_20260320.csv", daily([("2026-03-20 10:00:00", 4)]))
    assert known_days(home.ledger) == [DAY, date(2026, 3, 20)]
    withdraw(home, astray)
    assert known_days(home.ledger) == [DAY]
    assert date(2026, 3, 20) in {item.business_date for item in touched_days(home.ledger)}
    withdraw(home, astray, undo=True)
    assert known_days(home.ledger) == [DAY, date(2026, 3, 20)]


def test_landing_alone_knows_of_it(home):
    bring(home, 4, 3)
    withdraw(home, bring(home, 9, 4))
    astray = bring(home, 4, 4, "d1_20260320.csv", daily([("2026-03-20 10:00:00", 4)]))
    withdraw(home, astray)
    before, days, rows = raw_rows(home), known_days(home.ledger), states(home)
    home.ledger.engine.dispose()
    for file in home.settings.home.glob("ledger.sqlite*"):
        file.unlink()
    shutil.rmtree(home.raw.root)
    fresh = open_home(home.settings)
    rebuild_raw(fresh)
    assert (raw_rows(fresh), known_days(fresh.ledger), states(fresh)) == (before, days, rows)


@pytest.mark.parametrize("torn", ["", '{"delivery_id": "a'])
def test_what_is_noted_and_not_acted_on_is_done_by_the_next_run(home, torn: str):
    delivery = bring(home, 4, 3)
    folder = home.landing.root / "footfallcam" / FEED
    if torn:
        (folder / "retracted.jsonl").write_text(torn)
    note_retraction(home.landing.root, "footfallcam", FEED, Retraction(delivery, "power cut", datetime.now(UTC)))
    again = open_home(home.settings)
    assert [item.delivery_id for item in again.ledger.pending(FEED)] == [delivery]
    replay(again, again.catalogue[FEED], DAY, DAY)
    assert counts(again) == []
    assert retracted(again.landing.root).keys() == {delivery}
    reopen(again.ledger, [delivery])
    import_files(again, again.catalogue[FEED], [])
    assert counts(again) == []


def test_a_person_names_a_delivery_by_its_id_or_its_hash(home):
    delivery = bring(home, 4, 3)
    ((sha256,),) = [(row["sha256"],) for row in delivery_rows(home.ledger, [DAY])]
    for name in (delivery, sha256, sha256[:12]):
        assert [item.delivery_id for item in named_deliveries(home.ledger, name)] == [delivery]
    assert named_deliveries(home.ledger, sha256[:6]) == []
    assert named_deliveries(home.ledger, str(Path("d1_20260302.csv"))) == []
