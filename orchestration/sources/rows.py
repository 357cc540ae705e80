# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false, reportUnknownLambdaType=false
"""Columns of what was read into Arrow, with the bookkeeping every raw row carries. No vendor's format is known here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from orchestration.sources.arrow import UTC_TIMESTAMP, dates, empty, fixed, instants, ints, repeated, strings
from orchestration.sources.contract import FileOutcome, Landed, Parsed, Unreadable
from orchestration.sources.tabular import REJECTED, SALES

BOOKKEEPING = list(SALES)[SALES.get_field_index("_source") :]
_TYPES: Mapping[str, Any] = {
    "text": pa.dictionary(pa.int32(), pa.string()),
    "instant": UTC_TIMESTAMP,
    "number": pa.float64(),
    "whole": pa.int64(),
    "flag": pa.bool_(),
}


def schema(**columns: Literal["text", "instant", "number", "whole", "flag"]) -> Any:
    """Make a layout (a pyarrow Schema): the vendor's columns, then the bookkeeping ones. Text is never null."""
    return pa.schema([*(pa.field(name, _TYPES[kind]) for name, kind in columns.items()), *BOOKKEEPING])


def own_columns(layout: Any) -> list[str]:
    """List the vendor's columns of a layout."""
    return [name for name in layout.names if not name.startswith("_")]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A value that is not what its place asks for. `position` counts within the delivery."""

    position: int
    column: str
    value: str
    reason: str
    line: str
    business_date: date
    interval_start_local: datetime | None = None


@dataclass(slots=True)
class Read:
    """What one delivery says: rows as tuples in the order of the layout's own columns, each with its business day.

    Where thousands of rows have their first columns in common, these stand in `shared` once and `shared_index` says
    which of them each row has. An instant is a datetime or epoch microseconds.
    """

    rows: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    shared: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    shared_index: list[int] = field(default_factory=list[int])
    days: list[date] = field(default_factory=list[date])
    rejections: list[Rejection] = field(default_factory=list[Rejection])
    notes: list[str] = field(default_factory=list[str])
    reason_if_empty: str = "no_rows"


Reader = Callable[[Landed], Read]


def parse_all(layout: pa.Schema, feed: str, source: str, landed: Sequence[Landed], reader: Reader) -> Parsed:
    """Read deliveries one by one; one that cannot be read is an outcome of state `unreadable`, its bytes are kept."""
    outcomes: list[FileOutcome] = []
    good: list[tuple[Landed, Read]] = []
    for item in landed:
        try:
            read = reader(item)
        except Unreadable as error:
            outcomes.append(
                FileOutcome(item.delivery_id, 0, 0, state="unreadable", reason=error.reason, message=str(error))
            )
            continue
        good.append((item, read))
        outcomes.append(_outcome(item, read))
    return Parsed(
        rows=_rows(layout, feed, source, good), rejections=_rejections(feed, source, good), outcomes=tuple(outcomes)
    )


def _outcome(item: Landed, read: Read) -> FileOutcome:
    rows, bad = len(read.rows), len(read.rejections)
    notes = "; ".join(dict.fromkeys(read.notes))
    if rows:
        return FileOutcome(item.delivery_id, rows, bad, message=notes)
    if bad:
        message = f"all {bad} values were rejected"
        return FileOutcome(item.delivery_id, 0, bad, state="unreadable", reason="every_row_rejected", message=message)
    return FileOutcome(item.delivery_id, 0, 0, state="empty", reason=read.reason_if_empty, message=notes)


def _rows(layout: pa.Schema, feed: str, source: str, good: Sequence[tuple[Landed, Read]]) -> pa.Table:
    counts = [len(read.rows) for _, read in good]
    if not sum(counts):
        return empty(layout)
    own = own_columns(layout)
    index = ints(np.repeat(np.arange(len(good), dtype=np.int32), counts))
    shared = _shared_columns(layout, [read for _, read in good])
    rest = zip(*(row for _, read in good for row in read.rows), strict=True)
    columns: dict[str, Any] = dict(shared)
    columns |= {
        name: column(layout.field(name).type, values) for name, values in zip(own[len(shared) :], rest, strict=True)
    }
    columns |= _bookkeeping(feed, source, [item for item, _ in good], index)
    columns["_business_date"] = dates([day for _, read in good for day in read.days])
    columns["_row_number"] = ints(np.concatenate([np.arange(1, count + 1, dtype=np.int32) for count in counts]))
    return _table(layout, columns)


def _shared_columns(layout: pa.Schema, reads: Sequence[Read]) -> dict[str, Any]:
    """Make the columns that stand once for many rows: a value for each of `shared`, taken for every row."""
    values = [row for read in reads for row in read.shared]
    if not values:
        return {}
    before = np.cumsum([0, *(len(read.shared) for read in reads)])
    index = np.concatenate(
        [np.asarray(r.shared_index, dtype=np.int64) + start for r, start in zip(reads, before, strict=False)]
    )
    taken = ints(index.astype(np.int32))
    names = own_columns(layout)[: len(values[0])]
    return {
        name: column(layout.field(name).type, once).take(taken)
        for name, once in zip(names, zip(*values, strict=True), strict=True)
    }


def _rejections(feed: str, source: str, good: Sequence[tuple[Landed, Read]]) -> pa.Table:
    found = [(place, item) for place, (_, read) in enumerate(good) for item in read.rejections]
    if not found:
        return empty(REJECTED)
    bad = [item for _, item in found]
    index = ints([place for place, _ in found])
    columns: dict[str, Any] = {
        "line_number": ints([item.position for item in bad]),
        "column_name": strings([item.column for item in bad]),
        "value": strings([item.value for item in bad]),
        "reason": strings([item.reason for item in bad]),
        "line": strings([item.line for item in bad]),
        "device_id": strings([good[place][0].payload.device_id for place, _ in found]),
        "interval_start_local": column(pa.timestamp("us"), [item.interval_start_local for item in bad]),
        "_business_date": dates([item.business_date for item in bad]),
        **_bookkeeping(feed, source, [item for item, _ in good], index),
    }
    return _table(REJECTED, columns)


def _table(layout: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_arrays([columns[item.name].cast(item.type) for item in layout], schema=layout)


def _bookkeeping(feed: str, source: str, items: Sequence[Landed], index: Any) -> dict[str, Any]:
    none = ints(np.zeros(len(index), dtype=np.int32))
    return {
        "_source": repeated([source], none),
        "_feed": repeated([feed], none),
        "_delivery_id": repeated([item.delivery_id for item in items], index),
        "_received_at": repeated([item.payload.received_at for item in items], index),
        "_delivered_at": repeated([item.payload.delivered_at for item in items], index),
        "_effective_at": repeated([item.effective_at for item in items], index),
    }


def column(kind: pa.DataType, values: Sequence[Any]) -> Any:
    """Make an array of this type; None is null, in text the empty string."""
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        places: dict[str, int] = {}
        index = ints([places.setdefault(value or "", len(places)) for value in values])
        return repeated(list(places), index).cast(kind)
    is_there = np.asarray([value is not None for value in values], dtype=bool)
    if pa.types.is_timestamp(kind):
        if kind == UTC_TIMESTAMP and is_there.all():
            return (
                instants(values) if isinstance(values[0], datetime) else fixed(kind, np.asarray(values, dtype=np.int64))
            )
        start = datetime(1970, 1, 1) if kind.tz is None else None  # noqa: DTZ001 - a clock on the wall
        numbers = np.asarray([_microseconds(value, start) for value in values], dtype=np.int64)
    else:
        plain = {"double": np.float64, "int32": np.int32, "int64": np.int64}.get(str(kind))
        if plain is None:
            return _booleans(values, is_there)
        numbers = np.asarray([0 if value is None else value for value in values], dtype=plain)
    return pa.Array.from_buffers(kind, len(values), [_validity(is_there), pa.py_buffer(np.ascontiguousarray(numbers))])


def _microseconds(value: datetime | None, start: datetime | None) -> int:
    if value is None:
        return 0
    if start is None:
        return round(value.timestamp() * 1_000_000)
    span = value - start
    return (span.days * 86400 + span.seconds) * 1_000_000 + span.microseconds


def _booleans(values: Sequence[Any], is_there: Any) -> Any:
    bits = np.packbits(np.asarray([bool(value) for value in values], dtype=bool), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [_validity(is_there), pa.py_buffer(bits)])


def _validity(is_there: Any) -> Any:
    return None if is_there.all() else pa.py_buffer(np.packbits(is_there, bitorder="little"))
