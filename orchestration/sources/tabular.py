"""Parse the files of a profile: 300 files are one scan. Every physical line loads, is blank, or is rejected by name.

Pure: no network, no clock, no settings. The text of all files goes to DuckDB as one Arrow column and is split, cast
and judged there; DuckDB's own CSV reader is not used because it numbers no rows and loses a whole scan to one file
with mixed line ends (docs/decisions.md). The statements are in tabular_sql.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.sources.arrow import UTC_TIMESTAMP, ints, joined, repeated, strings
from orchestration.sources.contract import FileOutcome, Kind, Landed, Parsed, Unreadable
from orchestration.sources.profile import FileProfile
from orchestration.sources.tabular_sql import accept_sql, judge_sql, refuse_sql
from orchestration.sources.text import Lines, read_lines

_TEXT = pa.dictionary(pa.int32(), pa.string())
_BOOKKEEPING = [
    pa.field("_source", _TEXT),
    pa.field("_feed", _TEXT),
    pa.field("_business_date", pa.date32()),
    pa.field("_delivery_id", _TEXT),
    pa.field("_row_number", pa.int32()),
    pa.field("_received_at", UTC_TIMESTAMP),
    pa.field("_delivered_at", UTC_TIMESTAMP),
    pa.field("_effective_at", UTC_TIMESTAMP),
]
COUNTS = pa.schema(
    [
        pa.field("device_id", pa.string()),
        pa.field("line_id", pa.string()),
        pa.field("interval_start_local", pa.timestamp("us")),
        pa.field("interval_minutes", pa.int32()),
        pa.field("entry_count", pa.int64()),
        pa.field("exit_count", pa.int64()),
        pa.field("staff_count", pa.int64()),
        pa.field("timezone", _TEXT),
        pa.field("nonexistent_local_time", _TEXT),
        pa.field("overlap", _TEXT),
        pa.field("is_dense", pa.bool_()),
        *_BOOKKEEPING,
    ]
)
SALES = pa.schema(
    [
        pa.field("store_code", pa.string()),
        pa.field("transaction_at_local", pa.timestamp("us")),
        pa.field("transaction_count", pa.int64()),
        pa.field("sales_amount", pa.decimal128(18, 2)),
        pa.field("timezone", _TEXT),
        *_BOOKKEEPING,
    ]
)
REJECTED = pa.schema(
    [
        pa.field("line_number", pa.int32()),
        pa.field("column_name", pa.string()),
        pa.field("value", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("line", pa.string()),
        pa.field("device_id", pa.string()),
        pa.field("interval_start_local", pa.timestamp("us")),
        pa.field("_source", _TEXT),
        pa.field("_feed", _TEXT),
        pa.field("_business_date", pa.date32()),
        pa.field("_delivery_id", _TEXT),
        pa.field("_received_at", UTC_TIMESTAMP),
    ]
)
SCHEMAS = {"counts": COUNTS, "sales": SALES, "rejected": REJECTED}


@dataclass(frozen=True, slots=True)
class Shape:
    """Files that one statement can read: the same delimiter, header and manner of splitting."""

    delimiter: str
    position: tuple[tuple[str, int], ...]
    width: int
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class _File:
    """One readable file with what its name says."""

    item: Landed
    lines: Lines
    device_id: str
    line_id: str
    day: date | None


def parse_files(feed: str, profile: FileProfile, landed: Iterable[Landed], threads: int = 2) -> Parsed:
    """Read files of one family into the `counts` or `sales` layout (module constants) and their rejections.

    Rows keep every accepted line, repeated minutes included; which of two wins is decided where time is known (dbt).
    A file that cannot be read at all gives an outcome of state `unreadable` and no rows.
    """
    outcomes: dict[str, FileOutcome] = {}
    shapes: dict[Shape, list[_File]] = {}
    for item in landed:
        try:
            file = _read_file(profile, item)
        except Unreadable as error:
            outcomes[item.delivery_id] = FileOutcome(
                item.delivery_id, 0, 0, state="unreadable", reason=error.reason, message=str(error)
            )
            continue
        lines = file.lines
        shape = Shape(lines.delimiter, tuple(lines.position.items()), lines.width, lines.fields is not None)
        shapes.setdefault(shape, []).append(file)
    rows: list[pa.Table] = []
    rejections: list[pa.Table] = []
    if shapes:
        connection = duckdb.connect(config={"threads": threads})
        try:
            connection.execute("set TimeZone = 'UTC'")
            for shape, files in shapes.items():
                _judge(connection, profile, files, shape)
                rows.append(_accepted(connection, feed, profile, files))
                rejections.append(_refused(connection, feed, profile, files))
                outcomes.update(_outcomes(connection, files))
        finally:
            connection.close()
    schema = SCHEMAS[profile.feed(feed).table]
    return Parsed(
        rows=pa.concat_tables(rows) if rows else schema.empty_table(),
        rejections=pa.concat_tables(rejections) if rejections else REJECTED.empty_table(),
        outcomes=tuple(outcomes.values()),
    )


def _read_file(profile: FileProfile, item: Landed) -> _File:
    """Read lines and name; refuse a file of counts that says nowhere which counter it is of."""
    lines = read_lines(item.payload.content, profile)
    named = profile.named(item.payload.name)
    device = item.payload.device_id or (named.device_id if named else "")
    if profile.kind is Kind.COUNTS and "device_id" not in lines.position and not device:
        reason = "name_not_recognised"
        message = f"the name does not match {profile.name!r} and no column holds the device"
        raise Unreadable(reason, message)
    return _File(
        item,
        lines,
        device,
        item.payload.line_id or (named.line_id if named else ""),
        item.payload.business_date or (named.business_date if named else None),
    )


def _judge(connection: duckdb.DuckDBPyConnection, profile: FileProfile, files: Sequence[_File], shape: Shape) -> None:
    """Put the lines of all files into one relation and give each its values and the first thing wrong with it."""
    counts = [file.lines.line_count for file in files]
    index = ints(np.repeat(np.arange(len(files), dtype=np.int32), counts))
    numbers = [np.arange(f.lines.first_line, f.lines.first_line + f.lines.line_count, dtype=np.int32) for f in files]
    columns: dict[str, Any] = {"file": index, "row_number": ints(np.concatenate(numbers)), "line": _line_array(files)}
    if shape.is_quoted:
        quoted = [fields for file in files for fields in file.lines.fields or ()]
        columns["fields"] = pa.array(quoted, pa.list_(pa.string()))
    torn = [
        file.lines.first_line + file.lines.line_count - 1
        if profile.final_newline and not file.lines.ends_with_newline
        else -1
        for file in files
    ]
    heads = {
        "file": ints(range(len(files))),
        "named_device": strings([file.device_id for file in files]),
        "named_line": strings([file.line_id for file in files]),
        "named_day": strings([file.day.isoformat() if file.day else "" for file in files]),
        "torn_row": ints(torn),
        "fallback_day": strings([file.item.payload.received_at.date().isoformat() for file in files]),
    }
    lines = pa.Table.from_arrays(list(columns.values()), names=list(columns))
    # DuckDB reads one Arrow batch with one thread, so the table is cut
    connection.register("lines", pa.Table.from_batches(lines.to_batches(max_chunksize=1 << 15), lines.schema))
    connection.register("heads", pa.Table.from_arrays(list(heads.values()), names=list(heads)))
    connection.execute(
        judge_sql(profile, shape.delimiter, dict(shape.position), shape.width, is_quoted=shape.is_quoted)
    )


def _line_array(files: Sequence[_File]) -> Any:
    """Cut the texts at their line ends without making a Python string of every line (each keeps its newline)."""
    pieces = [file.lines.text.encode("utf-8", "replace") + b"\n" for file in files if file.lines.line_count]
    data = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    ends = np.flatnonzero(data == ord("\n")) + 1
    return joined(pieces, np.diff(ends, prepend=0))


def _accepted(
    connection: duckdb.DuckDBPyConnection, feed: str, profile: FileProfile, files: Sequence[_File]
) -> pa.Table:
    found = connection.sql(accept_sql(profile)).to_arrow_table()
    schema = SCHEMAS[profile.feed(feed).table]
    constants = {
        "timezone": "" if profile.timezone == "branch" else profile.timezone,
        "nonexistent_local_time": profile.nonexistent_local_time,
        "overlap": profile.overlap,
    }
    return _assemble(found, schema, constants, feed, profile, files)


def _refused(
    connection: duckdb.DuckDBPyConnection, feed: str, profile: FileProfile, files: Sequence[_File]
) -> pa.Table:
    return _assemble(connection.sql(refuse_sql(profile)).to_arrow_table(), REJECTED, {}, feed, profile, files)


def _assemble(
    found: pa.Table,
    schema: pa.Schema,
    constants: dict[str, str],
    feed: str,
    profile: FileProfile,
    files: Sequence[_File],
) -> pa.Table:
    """Put what DuckDB found and what is the same for a whole file into the layout, the latter as dictionaries."""
    file = found["file"].combine_chunks()
    none = ints(np.zeros(found.num_rows, dtype=np.int32))
    payloads = [entry.item.payload for entry in files]
    columns: dict[str, Any] = {
        **{name: repeated([value], none) for name, value in constants.items()},
        "_source": repeated([profile.source], none),
        "_feed": repeated([feed], none),
        "_delivery_id": repeated([entry.item.delivery_id for entry in files], file),
        "_received_at": repeated([payload.received_at for payload in payloads], file),
        "_delivered_at": repeated([payload.delivered_at for payload in payloads], file),
        "_effective_at": repeated([entry.item.effective_at for entry in files], file),
    }
    arrays = [
        (columns[field.name] if field.name in columns else found[field.name].combine_chunks()).cast(field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _outcomes(connection: duckdb.DuckDBPyConnection, files: Sequence[_File]) -> dict[str, FileOutcome]:
    counted = connection.execute(
        "select file, count(*) filter (problem is null), count(*) filter (problem is not null) from judged group by all"
    ).fetchall()
    found = {file: (good, bad) for file, good, bad in counted}
    outcomes: dict[str, FileOutcome] = {}
    for index, entry in enumerate(files):
        good, bad = found.get(index, (0, 0))
        state = "parsed" if good else "unreadable" if bad else "empty"
        reason = "every_row_rejected" if state == "unreadable" else "no_rows" if state == "empty" else ""
        message = f"all {bad} rows were rejected" if state == "unreadable" else ""
        delivery = entry.item.delivery_id
        outcomes[delivery] = FileOutcome(
            delivery, good, bad, entry.lines.line_count - good - bad, state, reason, message
        )
    return outcomes
