"""Fetch, keep, parse: what the ledger and raw hold after files came in any order, late, twice, torn or revised."""

import os
import random
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.home import Home, open_home
from orchestration.landing.ledger_queries import delivery_rows, known_days, touched_days
from orchestration.settings import Settings
from orchestration.sources.contract import Window
from orchestration.steps import dry_run, import_files, ingest, rebuild_raw, replay

BRANCH = "A1,Shop,AT,,Wien,Europe/Vienna,EUR,,,,\n"
COUNTER = "footfallcam,d1,,A1,entrance,,,,,,\nfootfallcam,d2,,A1,entrance,,,,,,\n"
FEEDS = "[feeds.footfallcam_daily]\n[feeds.sales]\n[feeds.xovis_export]\n"


def daily(rows: list[tuple[str, int]], serial: str = "d1") -> str:
    return "serial,local_time,in,out\n" + "".join(f"{serial},{at},{count},0\n" for at, count in rows)


def drop(folder: Path, name: str, text: str, modified: datetime) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    os.utime(path, (modified.timestamp(), modified.timestamp()))
    return path


def at(day: int, hour: int = 1) -> datetime:
    return datetime(2026, 3, day, hour, 0, tzinfo=UTC)


def raw_rows(home: Home, table: str = "counts") -> list[tuple]:
    pattern = str(home.raw.root / "*" / "*" / "*" / f"{table}.parquet")
    columns = "device_id, interval_start_local, entry_count" if table == "counts" else "line_number, reason, value"
    return duckdb.sql(
        f"select {columns} from read_parquet('{pattern}', hive_partitioning = false) order by all"
    ).fetchall()


def counts(home: Home) -> list[int]:
    return [row[2] for row in raw_rows(home)]


@pytest.fixture
def home(write_home) -> Home:
    return open_home(write_home(BRANCH, COUNTER, feeds=FEEDS))


@pytest.fixture
def inbox(home) -> Path:
    return home.settings.home / "inbox" / "footfallcam_daily"


def take(home: Home, feed: str = "footfallcam_daily", window: Window | None = None):
    return ingest(home, home.catalogue[feed], window)


def test_a_dropped_file_is_landed_then_parsed_then_set_aside(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]), at(3))
    result = take(home)
    assert (result.kept, result.rows, result.failures) == (1, 1, [])
    assert counts(home) == [4]
    assert not (inbox / "d1_20260302.csv").exists()
    assert (inbox / "imported" / "d1_20260302.csv").exists()


def test_the_same_bytes_again_are_one_delivery_and_a_duplicate(home, inbox):
    for day in (3, 4):
        drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]), at(day))
        result = take(home)
    assert (result.kept, result.duplicates) == (0, 1)
    assert counts(home) == [4]
    states = [row["state"] for row in delivery_rows(home.ledger, [date(2026, 3, 2)])]
    assert sorted(states) == ["duplicate", "parsed"]


def test_new_bytes_under_the_same_name_replace_even_rows_they_no_longer_have(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4), ("2026-03-02 10:01:00", 4)]), at(3))
    take(home)
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:01:00", 9)]), at(5))
    take(home)
    assert counts(home) == [9]
    rows = {row["revision"]: row["is_superseded"] for row in delivery_rows(home.ledger, [date(2026, 3, 2)])}
    assert rows == {1: True, 2: False}


def test_an_older_revision_that_arrives_later_does_not_win(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:01:00", 9)]), at(5))
    take(home)
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]), at(3))
    take(home)
    assert counts(home) == [9]


def test_a_vendor_that_goes_back_to_its_first_bytes_is_believed(home, inbox):
    first, second = daily([("2026-03-02 10:00:00", 4)]), daily([("2026-03-02 10:00:00", 9)])
    for day, text in ((3, first), (4, second), (5, first)):
        drop(inbox, "d1_20260302.csv", text, at(day))
        take(home)
    assert counts(home) == [4]


def test_an_unreadable_file_takes_nothing_away_and_can_be_replayed(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]), at(3))
    take(home)
    drop(inbox, "d1_20260302.csv", "<html>502</html>", at(4))
    result = take(home)
    assert result.unreadable == 1
    assert counts(home) == [4]
    states = {row["state"]: row["reason"] for row in delivery_rows(home.ledger, [date(2026, 3, 2)])}
    assert states == {"parsed": "", "unreadable": "not_a_table"}
    assert replay(home, home.catalogue["footfallcam_daily"], date(2026, 3, 2), date(2026, 3, 2)).unreadable == 1


def test_a_mended_header_map_makes_kept_files_readable(write_home):
    settings = write_home(BRANCH, COUNTER, feeds=FEEDS)
    home = open_home(settings)
    text = daily([("2026-03-02 10:00:00", 4)]).replace(",in,", ",Eintritte,")
    drop(settings.home / "inbox" / "footfallcam_daily", "d1_20260302.csv", text, at(3))
    assert take(home).unreadable == 1
    mended = FEEDS.replace(
        "[feeds.footfallcam_daily]\n",
        '[feeds.footfallcam_daily]\ncolumns = {device_id="serial", timestamp="local time", entry_count="Eintritte"}\n',
    )
    (settings.reference / "feeds.toml").write_text(mended)
    home = open_home(settings)
    replay(home, home.catalogue["footfallcam_daily"], date(2026, 3, 2), date(2026, 3, 2))
    assert counts(home) == [4]


def test_a_late_file_touches_only_its_day(home, inbox):
    for day in (1, 2, 3):
        drop(inbox, f"d1_2026030{day}.csv", daily([(f"2026-03-0{day} 10:00:00", day)]), at(day + 1))
    take(home)
    home.ledger.transformed((item.feed, item.business_date, item.count) for item in touched_days(home.ledger))
    drop(inbox, "d2_20260301.csv", daily([("2026-03-01 10:00:00", 7)], "d2"), at(9))
    take(home)
    assert [(item.feed, item.business_date) for item in touched_days(home.ledger)] == [
        ("footfallcam_daily", date(2026, 3, 1))
    ]
    assert counts(home) == [1, 7, 2, 3] or sorted(counts(home)) == [1, 2, 3, 7]


def test_a_day_touched_while_it_is_transformed_stays_touched(home, inbox):
    drop(inbox, "d1_20260301.csv", daily([("2026-03-01 10:00:00", 1)]), at(2))
    take(home)
    seen = touched_days(home.ledger)
    drop(inbox, "d2_20260301.csv", daily([("2026-03-01 10:00:00", 7)], "d2"), at(2))
    take(home)
    home.ledger.transformed((item.feed, item.business_date, item.count) for item in seen)
    assert [item.business_date for item in touched_days(home.ledger)] == [date(2026, 3, 1)]


def test_a_row_of_another_day_stands_on_its_own_day_and_leaves_with_its_revision(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 23:59:00", 1), ("2026-03-03 00:00:00", 5)]), at(3))
    take(home)
    assert known_days(home.ledger) == [date(2026, 3, 2), date(2026, 3, 3)]
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 23:59:00", 1)]), at(4))
    result = take(home)
    assert counts(home) == [1]
    assert result.days == {date(2026, 3, 2), date(2026, 3, 3)}


def test_torn_rows_are_kept_beside_with_line_and_reason(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]) + "d1,2026-03-02 10:0", at(3))
    take(home)
    assert raw_rows(home, "rejected") == [(3, "missing_columns", "d1,2026-03-02 10:0")]


def test_asking_for_a_due_day_makes_missing_a_finding(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]), at(3))
    take(home, window=Window(date(2026, 3, 1), date(2026, 3, 3)))
    assert known_days(home.ledger) == [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]


def test_a_dry_run_tells_the_same_and_writes_nothing(home, tmp_path):
    path = drop(tmp_path, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]) + "d1,x,1,1\n", at(3))
    before = sorted((p, p.stat().st_mtime_ns) for p in home.settings.home.rglob("*") if p.is_file())
    parsed = dry_run(home.catalogue["footfallcam_daily"], [path])
    assert (parsed.outcomes[0].row_count, parsed.outcomes[0].rejected_row_count) == (1, 1)
    assert sorted((p, p.stat().st_mtime_ns) for p in home.settings.home.rglob("*") if p.is_file()) == before


def test_deleting_ledger_and_raw_loses_nothing(home, inbox):
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 4)]), at(3))
    drop(inbox, "d2_20260302.csv", "<html>", at(3))
    take(home, window=Window(date(2026, 3, 1), date(2026, 3, 2)))
    drop(inbox, "d1_20260302.csv", daily([("2026-03-02 10:00:00", 5)]), at(4))
    take(home)
    days = known_days(home.ledger)
    before = raw_rows(home), _told(home, days), days
    home.ledger.engine.dispose()
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (home.settings.home / name).unlink(missing_ok=True)
    shutil.rmtree(home.raw.root)
    again = open_home(home.settings)
    rebuild_raw(again)
    days = known_days(again.ledger)
    assert (raw_rows(again), _told(again, days), days) == before


def _told(home: Home, days: list[date]) -> list[tuple]:
    keys = (
        "delivery_id",
        "business_date",
        "state",
        "revision",
        "is_superseded",
        "row_count",
        "byte_count",
        "delivered_at",
    )
    return sorted(
        tuple(str(row[key]) for key in keys) for row in delivery_rows(home.ledger, days) if row["state"] != "duplicate"
    )


def _deliveries(seed: int) -> list[tuple[str, str, datetime]]:
    """Files of three days and two counters: plain, revised, torn, unreadable, straying over midnight."""
    chosen = random.Random(seed)
    files = []
    for day in (1, 2, 3):
        for serial in ("d1", "d2"):
            for revision in range(chosen.choice([1, 1, 2, 3])):
                rows = [(f"2026-03-0{day} 1{n}:00:00", chosen.randrange(9)) for n in range(chosen.randrange(1, 4))]
                rows += [(f"2026-03-0{day + 1} 00:00:00", 1)] if chosen.random() < 0.2 else []
                text = daily(rows, serial) + chosen.choice(["", "", "torn", f"{serial},2026"])
                text = chosen.choice([text, text, text, "<html>"])
                files.append(
                    (f"{serial}_2026030{day}.csv", text, at(day + 1) + timedelta(hours=revision, seconds=len(files)))
                )
    return files


@given(order=st.randoms(use_true_random=False), seed=st.integers(0, 50))
@settings(max_examples=12, deadline=None)
def test_any_order_repetition_and_split_of_the_deliveries_gives_the_same_raw_and_ledger(tmp_path_factory, order, seed):
    files = _deliveries(seed)
    results = []
    for shuffled in (False, True):
        root = tmp_path_factory.mktemp("order")
        (root / "home" / "reference").mkdir(parents=True)
        for name in ("branches", "counters", "opening_hours", "special_days"):
            heads = {
                "branches": "branch_code,timezone",
                "counters": "source,device_id,branch_code,placement",
                "opening_hours": "branch_code,weekday,opens,closes",
                "special_days": "branch_code,date",
            }
            (root / "home" / "reference" / f"{name}.csv").write_text(heads[name] + "\n")
        (root / "home" / "reference" / "feeds.toml").write_text(FEEDS)
        home = open_home(Settings(home=root / "home"))
        sent = list(files)
        if shuffled:
            sent += [order.choice(files) for _ in range(3)]
            order.shuffle(sent)
        while sent:
            size = order.randrange(1, len(sent) + 1) if shuffled else len(sent)
            paths = []
            for number, (name, text, modified) in enumerate(sent[:size]):
                paths.append(drop(root / f"{number}", name, text, modified))
            import_files(home, home.catalogue["footfallcam_daily"], paths)
            sent = sent[size:]
        days = known_days(home.ledger)
        results.append((raw_rows(home), raw_rows(home, "rejected"), _told(home, days), days))
        home.ledger.engine.dispose()
    assert results[0] == results[1]
