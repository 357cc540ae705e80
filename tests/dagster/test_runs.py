"""Runs of the CLI: Dagster's jobs in this process, results as values, one history, nothing on the terminal."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import sqlalchemy as sa

from orchestration.catalogue import ConfigurationError
from orchestration.defs.feeds import raw_key
from orchestration.landing.ledger import Ledger
from orchestration.landing.ledger_queries import touched_days
from orchestration.landing.ledger_tables import attempts
from orchestration.publish.verify import content_hashes
from orchestration.runs import run_cycle, run_import, run_ingest, run_publish, run_rebuild, run_replay
from orchestration.settings import Settings
from orchestration.sources.contract import Window
from tests.dagster.conftest import FIRST, deliver, put

CLOSED_PORT = """
[feeds.dead]
profile = "footfallcam_daily"
source = "deadvendor"
[feeds.dead.remote]
protocol = "ftp"
host = "127.0.0.1"
port = 9
user = "counter"
password_env = "FOOTFALL_TEST_PASSWORD"
folder = "/"
"""


def published(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published.resolve()), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_cycle_publishes_what_came_the_next_finds_nothing_to_do_and_a_rebuild_says_the_same(
    home: Settings, delivered: Path, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
):
    deliver(delivered, FIRST, 2)
    reports = run_cycle(home)
    assert capfd.readouterr() == ("", "")
    assert [(report.job, report.success, report.error) for report in reports] == [
        ("ingest_footfallcam", True, ""),
        ("ingest_sales", True, ""),
        ("transform", True, ""),
        ("publish", True, ""),
    ]
    assert [item.kept for report in reports for item in report.ingested] == [10, 2]
    assert reports[2].transformed is not None
    assert {FIRST, FIRST + timedelta(days=1)} <= set(reports[2].transformed.days)
    assert reports[3].publication is not None
    traffic = (
        f"select entry_count, received_minutes from marts.fct_branch_traffic_daily where business_date = '{FIRST}'"
    )
    assert sorted(published(home, traffic)) == [(2 * 12 * 10, 2 * 12 * 60), (3 * 12 * 10, 3 * 12 * 60)]
    assert {report.run_id for report in reports} == {run.run_id for run in instance.get_runs()}
    assert FIRST.isoformat() in instance.get_materialized_partitions(raw_key("sales"))

    again = run_cycle(home)
    assert [report.job for report in again] == ["ingest_footfallcam", "ingest_sales", "transform"]
    assert all(report.success for report in again)
    assert again[2].transformed is not None
    assert not again[2].transformed.days

    before = content_hashes(home.published)
    rebuilt = run_rebuild(home)
    assert [(report.job, report.error) for report in rebuilt] == [
        ("rebuild_raw", ""),
        ("transform", ""),
        ("publish", ""),
    ]
    assert content_hashes(home.published) == before


def test_one_dead_vendor_stops_nobody_else_and_its_reason_is_kept(
    home: Settings, delivered: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FOOTFALL_TEST_PASSWORD", "very-secret")
    with (home.reference / "feeds.toml").open("a") as file:
        file.write(CLOSED_PORT)
    deliver(delivered, FIRST, 1)
    report = run_ingest(home)
    assert not report.success
    assert report.error.startswith("dead: unreachable: ftp://127.0.0.1:9/")
    assert len(report.error.splitlines()) == 1
    assert {item.feed: item.kept for item in report.ingested} == {"footfallcam_daily": 5, "sales": 1, "dead": 0}
    with Ledger.at(home.home).engine.connect() as connection:
        failed = connection.execute(sa.select(attempts.c.feed, attempts.c.reason).where(attempts.c.outcome == "failed"))
        assert failed.all() == [("dead", "unreachable")]
    assert FIRST.isoformat() in instance.get_materialized_partitions(raw_key("sales"))
    assert not instance.get_materialized_partitions(raw_key("dead"))
    told = "".join(str(entry) for entry in instance.all_logs(report.run_id))
    assert "Connection refused" in told
    assert "very-secret" not in told


def test_a_window_fetches_its_days_alone(home: Settings, delivered: Path):
    deliver(delivered, FIRST, 3)
    day = FIRST + timedelta(days=1)
    report = run_ingest(home, ["footfallcam_daily"], Window(day, day))
    assert report.job == "ingest_footfallcam"
    assert report.ingested[0].kept == 5
    assert report.ingested[0].days == {day}


def test_files_in_hand_are_imported_and_the_other_feeds_are_left_alone(home: Settings, delivered: Path, tmp_path: Path):
    deliver(delivered, FIRST, 1)
    file = tmp_path / "C1_20260303.csv"
    put(file, "Serial,Time,In,Out\nC1,2026-03-03 10:00:00,4,2\n", FIRST)
    report = run_import(home, "footfallcam_daily", [file])
    assert [(item.feed, item.kept, item.rows) for item in report.ingested] == [("footfallcam_daily", 1, 1)]


def test_a_replay_reads_landing_again_without_asking_the_vendor(home: Settings, delivered: Path):
    deliver(delivered, FIRST, 2)
    run_ingest(home)
    for file in (delivered / "counts").iterdir():
        file.unlink()
    report = run_replay(home, ["footfallcam_daily"], Window(FIRST, FIRST))
    assert (report.ingested[0].kept, report.ingested[0].rows, report.ingested[0].days) == (0, 5 * 24, {FIRST})
    assert sum(item.rows for item in run_replay(home).ingested) == 2 * 5 * 24 + 2 * 24


def test_a_failing_data_test_is_named_publishes_nothing_and_leaves_the_days_to_do(
    home: Settings, delivered: Path, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
):
    branches = home.reference / "branches.csv"
    branches.write_text(branches.read_text() + "0101,Shop again,GR,,Athens,Europe/Athens,EUR,,in,,\n")
    deliver(delivered, FIRST, 1)
    reports = run_cycle(home)
    assert capfd.readouterr() == ("", "")
    assert [(report.job, report.success) for report in reports][-1] == ("transform", False)
    assert "rows_are_valid_stg_reference__branches_branch_code" in reports[-1].error
    assert "branch_code=0101, finding=2 rows share the key" in reports[-1].error
    assert not home.published.exists()
    assert FIRST in {item.business_date for item in touched_days(Ledger.at(home.home))}
    events = [entry.dagster_event for entry in instance.all_logs(reports[-1].run_id) if entry.dagster_event]
    checks = [item.asset_check_evaluation_data for item in events if item.event_type_value == "ASSET_CHECK_EVALUATION"]
    assert {check.asset_key.path[-1]: check.passed for check in checks}["dim_branch"] is False


def test_publishing_before_any_transform_says_what_to_do(home: Settings):
    report = run_publish(home)
    assert not report.success
    assert report.error.endswith("run the transform first")
    assert "orchestration." not in report.error


def test_a_day_whose_date_no_partition_has_is_ingested_all_the_same(home: Settings, delivered: Path):
    put(delivered / "counts" / "C1_20010101.csv", "Serial,Time,In,Out\nC1,2001-01-01 10:00:00,4,2\n", FIRST)
    report = run_ingest(home, ["footfallcam_daily"])
    assert report.success
    assert date(2001, 1, 1) in report.ingested[0].days


def test_unknown_feeds_are_refused_before_anything_runs(home: Settings):
    with pytest.raises(ConfigurationError, match="no feed 'nobody'"):
        run_ingest(home, ["nobody"])
