"""Eight readers of the published file while a month is backfilled: no query fails, waits, or sees half an edition."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.home import open_home, utc_now
from orchestration.publish.published import publish
from orchestration.steps import import_files
from orchestration.transform import transform

READERS = 8
COUNTERS = 3


def month_of_files(folder: Path) -> list[list[Path]]:
    """Hourly files of 31 days, as pieces of about a week each."""
    folder.mkdir()
    days: list[list[Path]] = []
    for step in range(31):
        day = date(2026, 1, 1) + timedelta(days=step)
        paths = []
        for counter in range(COUNTERS):
            rows = [
                f"d{counter},{day} {hour:02}:00:00,{10 + (hour * 7 + step + counter) % 50},0\n" for hour in range(24)
            ]
            path = folder / f"d{counter}_{day:%Y%m%d}.csv"
            path.write_text("serial,local_time,in,out\n" + "".join(rows))
            ready = datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC).timestamp()
            os.utime(path, (ready, ready))
            paths.append(path)
        days.append(paths)
    return [[path for day in days[start : start + 8] for path in day] for start in range(0, 31, 8)]


def test_eight_readers_notice_nothing_of_a_backfilled_month(write_home, tmp_path):
    counters = "".join(f"footfallcam,d{number},,A1,entrance,,,,,,\n" for number in range(COUNTERS))
    feeds = "[feeds.footfallcam_daily]\ngrain_minutes = 60\n"
    settings = write_home("A1,Shop,AT,,Wien,Europe/Vienna,EUR,,,,\n", counters, feeds=feeds)
    home = open_home(settings)
    pieces = month_of_files(tmp_path / "files")

    def take(paths: list[Path]) -> None:
        import_files(home, home.catalogue["footfallcam_daily"], paths)
        transform(home)
        publish(settings.warehouse, settings.home, utc_now())

    take(pieces[0])
    stop = tmp_path / "stop"
    command = [sys.executable, str(Path(__file__).with_name("reader.py")), str(settings.published), str(stop)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(READERS)]
    try:
        for reader in readers:
            assert reader.stdout.readline() == "ready\n"
        for paths in pieces[1:]:
            take(paths)
    finally:
        stop.touch()
        told = [json.loads(reader.communicate(timeout=60)[0]) for reader in readers]
    assert all(found["asked"] > 0 for found in told)
    assert [failure for found in told for failure in found["failures"]] == []
    assert sum(found["torn"] for found in told) == 0
    assert max(found["slowest"] for found in told) < 10  # nobody waits for a lock: a lock would be held for a transform
    with duckdb.connect(str(settings.published), read_only=True) as connection:
        query = "select count(*), count(*) filter (status = 'complete') from marts.fct_branch_traffic_daily"
        assert connection.execute(query).fetchone() == (31, 31)
