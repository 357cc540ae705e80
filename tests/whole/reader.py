"""A BI tool's stand-in: opens the published file again and again, asks, and tells how it went when told to stop."""

import json
import sys
import time
from pathlib import Path

import duckdb

published, stop = Path(sys.argv[1]), Path(sys.argv[2])
asked, failures, slowest, torn = 0, [], 0.0, 0
print("ready", flush=True)
while not stop.exists():
    started = time.perf_counter()
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            days, entries = connection.execute(
                "select count(*), sum(entry_count) from marts.fct_branch_traffic_daily"
            ).fetchone()
            hours = connection.execute("select sum(entry_count) from marts.fct_branch_traffic_hourly").fetchone()[0]
            torn += entries != hours
    except duckdb.Error as error:
        failures.append(str(error))
    slowest = max(slowest, time.perf_counter() - started)
    asked += 1
    time.sleep(0.1)
print(json.dumps({"asked": asked, "failures": failures, "slowest": slowest, "torn": torn}), flush=True)
