"""raw/: one replaceable set of Parquet files per feed and business day. Written here alone, read by dbt.

A day is replaced by renaming finished files over the old ones; the ledger is told afterwards, so a crash in between
leaves a day that the next run replaces again. No parsing, no ledger here.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

import os
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.sources.arrow import dates, empty
from orchestration.sources.contract import Connector, Feed
from orchestration.sources.tabular import REJECTED

SCHEMA_DAY = date(1900, 1, 1)  # an empty partition in every feed, so that a glob over raw/ always finds the columns


class Raw:
    """The raw directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self, connectors: Iterable[Connector]) -> None:
        """Give every feed its empty partition."""
        for connector in connectors:
            feed = connector.feed
            folder = self._folder(feed, SCHEMA_DAY)
            for table, schema in ((feed.table, connector.schema), ("rejected", REJECTED)):
                if not (folder / f"{table}.parquet").exists():
                    self._write(folder / f"{table}.parquet", empty(schema))

    def replace_days(self, feed: Feed, days: Iterable[date], rows: pa.Table, rejections: pa.Table) -> None:
        """Make each of these business days hold exactly its share of `rows` and `rejections`; others are untouched."""
        days = sorted(days)
        for day in days:
            folder = self._folder(feed, day)
            for table, source in ((feed.table, rows), ("rejected", rejections)):
                target = folder / f"{table}.parquet"
                share = (
                    source if _only(source, day) else source.filter(pc.is_in(source["_business_date"], dates([day])))
                )
                if share.num_rows:
                    self._write(target, share)
                else:
                    target.unlink(missing_ok=True)
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

    def clear(self) -> None:
        """Forget everything: it can be made again from landing."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _folder(self, feed: Feed, day: date) -> Path:
        return self.root / feed.source / feed.name / f"business_date={day.isoformat()}"

    def _write(self, target: Path, table: pa.Table) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            pq.write_table(
                table,
                temporary,
                compression="zstd",
                compression_level=1,
                write_statistics=["_business_date"],  # type: ignore[arg-type] - documented as bool or list
            )
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def _only(table: pa.Table, day: date) -> bool:
    """Tell whether all rows are of one day already, which is the usual case and saves a copy."""
    if not table.num_rows:
        return False
    bounds = pc.min_max(table["_business_date"])
    return bounds["min"].as_py() == day == bounds["max"].as_py()
