"""Generate a long history for a home of make_home: hourly raw rows, a ledger of 300 deliveries a day, then the marts.

The rows are written straight into raw/ and the ledger, because three years of files would take hours to make; what is
measured afterwards, one day's files, goes the real way.
"""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import sqlalchemy as sa

from orchestration.home import open_home
from orchestration.landing.ledger_tables import deliveries, delivery_days, feed_days
from orchestration.settings import Settings
from orchestration.transform import transform

FEED, SOURCE = "footfallcam_daily", "footfallcam"


def write_history(home_path: Path, last: date, days: int, counters: int = 300) -> None:
    """Give a home `days` business days up to `last`, and build its marts."""
    home = open_home(Settings(home=home_path))
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    for step in range(days):
        day = last - timedelta(days=days - 1 - step)
        folder = home.raw.root / SOURCE / FEED / f"business_date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"""
            copy (
                select lpad(to_hex(c), 16, '0') as device_id, '' as line_id,
                    timestamp '{day} 00:00:00' + to_hours(h) as interval_start_local, 60::integer as interval_minutes,
                    case when h between 9 and 20 then hash(c, h, {step}) % 200 else 0 end::bigint as entry_count,
                    case when h between 9 and 20 then hash(h, c, {step}) % 200 else 0 end::bigint as exit_count,
                    null::bigint as staff_count, '' as timezone, 'reject' as nonexistent_local_time,
                    'device_day' as overlap, true as is_dense, '{SOURCE}' as _source, '{FEED}' as _feed,
                    date '{day}' as _business_date, md5('{day}' || c) as _delivery_id, (h + 2)::integer as _row_number,
                    timestamptz '{day} 23:50:00+00' as _received_at, timestamptz '{day} 23:50:00+00' as _delivered_at,
                    timestamptz '{day} 23:50:00+00' as _effective_at
                from range({counters}) as counter (c), range(24) as hour (h)
            ) to '{folder}/counts.parquet' (format parquet)
            """
        )
        _enter(home.ledger.engine, connection, day, counters)
    connection.close()
    transform(home)


def _enter(engine: sa.Engine, connection: duckdb.DuckDBPyConnection, day: date, counters: int) -> None:
    """Put a day's deliveries into the ledger as the real way would have."""
    received = datetime(day.year, day.month, day.day, 23, 50, tzinfo=UTC)
    ids = [row[0] for row in connection.execute(f"select md5('{day}' || c) from range({counters}) as r (c)").fetchall()]
    rows = [
        {
            "delivery_id": key, "feed": FEED, "source": SOURCE, "name": f"{number:016x}_{day:%Y%m%d}.csv",
            "channel": "remote", "device_id": f"{number:016x}", "line_id": "", "named_date": day, "sha256": key,
            "byte_count": 40_000, "received_at": received, "modified_at": received, "delivered_at": received,
            "effective_at": received, "landing_path": f"none/{key}", "state": "parsed", "reason": "", "message": "",
            "row_count": 24, "rejected_row_count": 0,
        }
        for number, key in enumerate(ids)
    ]  # fmt: skip
    told = [
        {"delivery_id": key, "feed": FEED, "business_date": day, "row_count": 24, "rejected_row_count": 0}
        for key in ids
    ]
    day_row = {"feed": FEED, "source": SOURCE, "business_date": day, "asked_at": received, "is_known": True}
    with engine.begin() as ledger:
        ledger.execute(sa.insert(deliveries), rows)
        ledger.execute(sa.insert(delivery_days), told)
        ledger.execute(sa.insert(feed_days), [{**day_row, "touch_count": 1, "transformed_count": 0}])


if __name__ == "__main__":
    write_history(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), int(sys.argv[3]))
