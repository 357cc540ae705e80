"""The rival: read each file with pandas and insert it. No landing, no hash, no ledger, no tolerance."""

import sys
import time
from pathlib import Path

import duckdb
import pandas as pd

started = time.perf_counter()
connection = duckdb.connect(sys.argv[1])
connection.execute("create table counts (serial varchar, local_time timestamp, entry_count bigint, exit_count bigint)")
for path in sorted(Path(sys.argv[2]).iterdir()):
    frame = pd.read_csv(path, dtype={"serial": str}, parse_dates=["local_time"])
    connection.execute("insert into counts select * from frame")
rows = connection.execute("select count(*) from counts").fetchone()
connection.close()
assert rows == (432_000,), rows
print(time.perf_counter() - started)
