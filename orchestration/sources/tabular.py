"""Parse the files of a profile: 300 files are one scan. Every physical line loads, is blank, or is rejected by name.

Pure: no network, no clock, no settings. The text of all files goes to DuckDB as one Arrow column and is split, cast
and judged there; DuckDB's own CSV reader is not used because it numbers no rows and loses a whole scan to one file
with mixed line ends (docs/decisions.md). The statements are in tabular_sql.py.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.sources.arrow import UTC_TIMESTAMP, booleans, empty, fixed, ints, joined, numbers, repeated, strings
from orchestration.sources.contract import FileOutcome, Kind, Landed, Parsed, Unreadable
from orchestration.sources.profile import FileProfile
from orchestration.sources.tabular_plain import number_lines, read_plain
from orchestration.sources.tabular_sql import grains_sql, judge_sql, refuse_sql
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
        pa.field("device_id", _TEXT),
        pa.field("line_id", _TEXT),
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
_DAY = 86_400_000_000  # microseconds
SCHEMAS = {"counts": COUNTS, "sales": SALES, "rejected": REJECTED}


@dataclass(frozen=True, slots=True)
class Shape:
    """Files that one statement can read: same delimiter, header and manner of splitting, device named or not."""

    delimiter: str
    position: tuple[tuple[str, int], ...]
    width: int
    is_quoted: bool
    names_device: bool


@dataclass(frozen=True, slots=True)
class _File:
    """One readable file with what its name says."""

    item: Landed
    lines: Lines
    device_id: str
    line_id: str
    day: date | None

    @property
    def shape(self) -> Shape:
        lines = self.lines
        position = tuple(lines.position.items())
        return Shape(lines.delimiter, position, lines.width, lines.fields is not None, bool(self.device_id))


def parse_files(feed: str, profile: FileProfile, landed: Iterable[Landed], threads: int = 2) -> Parsed:
    """Read files of one family into the `counts` or `sales` layout (module constants) and their rejections.

    Rows keep every accepted line, repeated minutes included; which of two wins is decided where time is known (dbt).
    A file that cannot be read at all gives an outcome of state `unreadable` and no rows.
    """
    outcomes: list[FileOutcome] = []
    shapes: dict[Shape, list[_File]] = {}
    for item in landed:
        try:
            file = _read_file(profile, item)
        except Unreadable as error:
            outcomes.append(FileOutcome(item.delivery_id, 0, 0, 0, "unreadable", error.reason, str(error)))
            continue
        shapes.setdefault(file.shape, []).append(file)
    rows: list[pa.Table] = []
    rejections: list[pa.Table] = []
    if shapes:
        connection = duckdb.connect(config={"threads": threads})
        try:
            connection.execute("set TimeZone = 'UTC'")
            for shape, files in shapes.items():
                judged = _judge(connection, profile, files, shape)
                is_good = pc.is_null(judged["problem"])
                good = judged if judged["problem"].null_count == judged.num_rows else judged.filter(is_good)
                rows.append(_accepted(connection, feed, profile, files, good))
                if good.num_rows < judged.num_rows:
                    rejections.append(_refused(connection, feed, profile, files, judged))
                outcomes += _outcomes(files, judged, good)
        finally:
            connection.close()
    schema = SCHEMAS[profile.feed(feed).table]
    return Parsed(
        rows=pa.concat_tables(rows) if rows else empty(schema),
        rejections=pa.concat_tables(rejections) if rejections else empty(REJECTED),
        outcomes=tuple(outcomes),
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


def _judge(
    connection: duckdb.DuckDBPyConnection, profile: FileProfile, files: Sequence[_File], shape: Shape
) -> pa.Table:
    """Give every line of these files its values and the first thing wrong with it."""
    index, row_number = number_lines([file.lines for file in files])
    data = b"".join(file.lines.text.encode("utf-8", "replace") + b"\n" for file in files if file.lines.line_count)
    plain = read_plain(connection, profile, [file.lines for file in files], index, row_number, data)
    if plain is not None:
        return plain
    # cut at the line ends without making a Python string of every line: each keeps its newline
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")) + 1
    columns: dict[str, Any] = {
        "file": index,
        "row_number": row_number,
        "line": joined(data, np.concatenate([[0], ends])),
    }
    if shape.is_quoted:
        quoted = [fields for file in files for fields in file.lines.fields or ()]
        columns["fields"] = pa.array(quoted, pa.list_(pa.string()))
    if "timestamp" not in dict(shape.position) and "date" not in dict(shape.position):
        columns["named_day"] = repeated([f.day.isoformat() if f.day else "" for f in files], index)
    lines = pa.Table.from_arrays(list(columns.values()), names=list(columns))
    # DuckDB reads one Arrow batch with one thread, so the table is cut
    connection.register("lines", pa.Table.from_batches(lines.to_batches(max_chunksize=1 << 15), lines.schema))
    torn = {
        place: file.lines.first_line + file.lines.line_count - 1
        for place, file in enumerate(files)
        if profile.final_newline and not file.lines.ends_with_newline
    }
    statement = judge_sql(
        profile,
        shape.delimiter,
        dict(shape.position),
        shape.width,
        is_quoted=shape.is_quoted,
        names_device=shape.names_device,
        torn=torn,
    )
    judged = connection.sql(statement).to_arrow_table().combine_chunks()
    connection.unregister("lines")
    return judged


def _accepted(
    connection: duckdb.DuckDBPyConnection, feed: str, profile: FileProfile, files: Sequence[_File], good: pa.Table
) -> pa.Table:
    """Lay the good lines out as rows of the feed's table."""
    file = _column(good, "file")
    stamp = numbers(_column(good, "stamp"), np.int64)
    none = ints(np.zeros(good.num_rows, dtype=np.int32))
    found: dict[str, Any] = {
        "timezone": repeated(["" if profile.timezone == "branch" else profile.timezone], none),
        "_row_number": _column(good, "row_number"),
    }
    if profile.kind is Kind.SALES:
        found |= {name: _column(good, name) for name in ("store_code", "transaction_count", "sales_amount")}
        found["transaction_at_local"] = _column(good, "stamp")
    else:
        minutes = _minutes(connection, profile, good)[numbers(file, np.int32)]
        stamp = stamp - minutes.astype(np.int64) * 60_000_000 if profile.bucket_label == "end" else stamp
        found |= {name: _column(good, name) for name in ("entry_count", "exit_count", "staff_count")}
        found |= {
            "device_id": _named_or_told(good, "device_id", [entry.device_id for entry in files]),
            "line_id": _named_or_told(good, "line_id", [entry.line_id for entry in files]),
            "interval_start_local": fixed(pa.timestamp("us"), stamp),
            "interval_minutes": ints(minutes),
            "nonexistent_local_time": repeated([profile.nonexistent_local_time], none),
            "overlap": repeated([profile.overlap], none),
            "is_dense": booleans(profile.dense, good.num_rows),
        }
    found["_business_date"] = fixed(pa.date32(), (stamp // _DAY).astype(np.int32))
    return _assemble(found, SCHEMAS[profile.feed(feed).table], feed, profile, files, file)


def _minutes(connection: duckdb.DuckDBPyConnection, profile: FileProfile, good: pa.Table) -> npt.NDArray[np.int32]:
    """Return the grain of each file: the declared one, unless its own from and to times say another."""
    size = int(pc.max(good["file"]).as_py() or 0) + 1 if good.num_rows else 1
    minutes = np.full(size, profile.grain_minutes, dtype=np.int32)
    if "stamp_end" in good.column_names:
        connection.register("good", good)
        for index, grain in connection.execute(grains_sql()).fetchall():
            minutes[index] = grain
        connection.unregister("good")
    return minutes


def _named_or_told(good: pa.Table, column: str, named: Sequence[str]) -> Any:
    """Take what the row says; where it says nothing, what the file's name says."""
    by_name = repeated(named, _column(good, "file"))
    if column not in good.column_names:
        return by_name
    told = _column(good, column)
    if pa.types.is_dictionary(told.type):
        return told
    is_blank = pc.equal(told, "")
    if pc.any(is_blank).as_py():
        told = pc.if_else(is_blank, by_name.cast(pa.string()), told.cast(pa.string()))
    return told.dictionary_encode()


def _refused(
    connection: duckdb.DuckDBPyConnection, feed: str, profile: FileProfile, files: Sequence[_File], judged: pa.Table
) -> pa.Table:
    heads = {
        "file": ints(range(len(files))),
        "named_device": strings([file.device_id for file in files]),
        "named_day": strings([file.day.isoformat() if file.day else "" for file in files]),
        "fallback_day": strings([file.item.payload.received_at.date().isoformat() for file in files]),
    }
    connection.register("judged", judged)
    connection.register("heads", pa.Table.from_arrays(list(heads.values()), names=list(heads)))
    statement = refuse_sql(profile, tells_device="device_id" in judged.column_names)
    refused = connection.sql(statement).to_arrow_table()
    connection.unregister("judged")
    found: dict[str, Any] = {name: _column(refused, name) for name in refused.column_names if name != "file"}
    return _assemble(found, REJECTED, feed, profile, files, _column(refused, "file"))


def _column(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.int64())
    column = table[name].combine_chunks()
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def _assemble(
    found: dict[str, Any], schema: pa.Schema, feed: str, profile: FileProfile, files: Sequence[_File], file: Any
) -> pa.Table:
    """Put what was found and what is the same for a whole file into the layout, the latter as dictionaries."""
    none = ints(np.zeros(len(file), dtype=np.int32))
    payloads = [entry.item.payload for entry in files]
    columns: dict[str, Any] = {
        **found,
        "_source": repeated([profile.source], none),
        "_feed": repeated([feed], none),
        "_delivery_id": repeated([entry.item.delivery_id for entry in files], file),
        "_received_at": repeated([payload.received_at for payload in payloads], file),
        "_delivered_at": repeated([entry.item.delivered_at for entry in files], file),
        "_effective_at": repeated([entry.item.effective_at for entry in files], file),
    }
    return pa.Table.from_arrays([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _outcomes(files: Sequence[_File], judged: pa.Table, good: pa.Table) -> list[FileOutcome]:
    seen = np.bincount(numbers(_column(judged, "file"), np.int32), minlength=len(files))
    fine = np.bincount(numbers(_column(good, "file"), np.int32), minlength=len(files))
    return [_outcome(entry, int(fine[index]), int(seen[index] - fine[index])) for index, entry in enumerate(files)]


def _outcome(entry: _File, good: int, bad: int) -> FileOutcome:
    delivery, blank = entry.item.delivery_id, entry.lines.line_count - good - bad
    if good:
        return FileOutcome(delivery, good, bad, blank)
    if bad:
        return FileOutcome(delivery, 0, bad, blank, "unreadable", "every_row_rejected", f"all {bad} rows were rejected")
    return FileOutcome(delivery, 0, 0, blank, "empty", "no_rows")
