"""A month in one run, as the UI's backfill starts it, and what a feed's checks say of what came."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq

from orchestration.definitions import define
from orchestration.defs.feeds import raw_key
from orchestration.landing.ledger import Ledger
from orchestration.landing.ledger_queries import touched_days
from orchestration.settings import Settings
from tests.dagster.conftest import COUNTERS, FIRST, deliver, put

MONTH = [FIRST + timedelta(days=step) for step in range(31)]


def backfill(settings: Settings, instance: dg.DagsterInstance, first: date, last: date) -> dg.ExecuteInProcessResult:
    """Run the partitions as one run, tagged as a backfill of a range is."""
    key = raw_key("footfallcam_daily")
    repository = define(settings).get_repository_def()
    return repository.get_job("ingest_footfallcam").execute_in_process(
        instance=instance,
        asset_selection=[key],
        tags={
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        },
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )


def test_a_month_is_backfilled_in_one_run_and_each_day_stands_by_itself(
    home: Settings, delivered: Path, instance: dg.DagsterInstance
):
    deliver(delivered, FIRST, 33)
    result = backfill(home, instance, MONTH[0], MONTH[-1])
    assert result.success
    assert len(instance.get_runs()) == 1
    for day in MONTH:
        folder = home.home / "raw" / "footfallcam" / "footfallcam_daily" / f"business_date={day}"
        assert pq.ParquetFile(folder / "counts.parquet").metadata.num_rows == len(COUNTERS) * 24
    assert instance.get_materialized_partitions(raw_key("footfallcam_daily")) == {day.isoformat() for day in MONTH}
    assert {item.business_date for item in touched_days(Ledger.at(home.home))} == set(MONTH)


def test_a_backfilled_day_that_nobody_delivered_is_asked_for_and_missing(
    home: Settings, delivered: Path, instance: dg.DagsterInstance
):
    result = backfill(home, instance, FIRST, FIRST)
    assert result.success
    assert [item.business_date for item in touched_days(Ledger.at(home.home))] == [FIRST]


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {item.check_name: item for item in result.get_asset_check_evaluations()}


def test_checks_tell_drifted_and_rejected_rows_apart_and_miss_the_day_that_is_due(
    home: Settings, delivered: Path, instance: dg.DagsterInstance
):
    rows = "C1,2026-03-02 10:00:00,4,2\nC1,2026-03-02 11:00:00,many,2\nC1,2026-03-02 12:00:00,4,2,9,9,9\n"
    put(delivered / "counts" / "C1_20260302.csv", "Serial,Time,In,Out\n" + rows, FIRST)
    checks = evaluations(backfill(home, instance, FIRST, FIRST))
    assert not checks["readable"].passed
    assert checks["readable"].metadata["rows_of_another_shape"].value == {"too_many_columns": 1}
    assert not checks["rejected_rows"].passed
    assert checks["rejected_rows"].metadata["reasons"].value == {"not_a_number": 1, "too_many_columns": 1}
    assert not checks["fresh"].passed
    assert checks["fresh"].metadata["deliveries"].value == 0


def test_an_unreadable_delivery_is_named(home: Settings, delivered: Path, instance: dg.DagsterInstance):
    put(delivered / "counts" / "C1_20260302.csv", "<html>502 Bad Gateway</html>\n", FIRST)
    readable = evaluations(backfill(home, instance, FIRST, FIRST))["readable"]
    assert not readable.passed
    assert str(readable.metadata["unreadable_newest"].value).startswith("['C1_20260302.csv: ")


def test_a_delivered_due_day_is_fresh(home: Settings, delivered: Path, instance: dg.DagsterInstance):
    today = datetime.now(UTC).date()
    deliver(delivered, today - timedelta(days=3), 3)
    checks = evaluations(backfill(home, instance, today - timedelta(days=3), today - timedelta(days=1)))
    assert {name: check.passed for name, check in checks.items()} == {
        "fresh": True,
        "readable": True,
        "rejected_rows": True,
    }
