"""A sparse feed says zero by saying nothing, but a row that was refused is not silence."""

import os
from datetime import UTC, datetime

import duckdb

from orchestration.home import open_home
from orchestration.steps import import_files
from orchestration.transform import transform

FEEDS = """
[feeds.acme]
source = "acme"
kind = "counts"
name = "*.csv"
columns = { device_id = "door", timestamp = "time", entry_count = "in" }
time_formats = "%Y-%m-%d %H:%M"
grain_minutes = 60
dense = false
"""


def test_a_refused_row_of_a_sparse_feed_is_no_zero(write_home, tmp_path):
    settings = write_home("A1,Shop,AT,,Wien,Europe/Vienna,EUR,,,,\n", "acme,d1,,A1,entrance,,,,,,\n", feeds=FEEDS)
    home = open_home(settings)
    path = tmp_path / "day.csv"
    path.write_text("door,time,in\nd1,2026-03-02 10:00,5\nd1,2026-03-02 12:00,n/a\nd1,2026-03-02 15:00,7\n")
    written = datetime(2026, 3, 3, 4, 0, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))
    import_files(home, home.catalogue["acme"], [path])
    transform(home)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        hours = dict(
            connection.execute(
                "select hour(hour_local), (entry_count, state) from marts.fct_counter_traffic_hourly"
            ).fetchall()
        )
        day = connection.execute("select entry_count, status, entry_count_high from marts.fct_branch_traffic_daily")
        assert day.fetchone() == (12, "partial", None)
    assert hours[10] == (5, "received")
    assert hours[11] == (0, "zero_sparse")
    assert hours[12] == (None, "delivery_rejected")
