"""Read Bespot's answers into rows, each refused one with its reason. Pure: no network, no clock, no settings.

Rows keep the vendor's names and its own text of the minute; staging converts to UTC and says what absent minutes mean.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast
from urllib.parse import parse_qs

import numpy as np
import pyarrow as pa

from orchestration.sources.arrow import dates, empty, ints, repeated, strings
from orchestration.sources.bespot.settings import INTERFACES, Interface
from orchestration.sources.contract import FileOutcome, Landed, Parsed, Payload, Unreadable
from orchestration.sources.http import mismatch, read_json
from orchestration.sources.tabular import COUNTS, REJECTED

LAYOUTS = {
    interface.table: pa.schema(
        [
            pa.field("store_code", pa.string()),
            *(pa.field(name, pa.int64()) for name in interface.columns),
            pa.field("minute", pa.string()),
            *(column for column in COUNTS if column.name.startswith("_")),
        ]
    )
    for interface in INTERFACES.values()
}
_LARGEST = 2**53  # beyond, JSON numbers are not exact everywhere


class _Wrong(Exception):
    """A row that is refused: column, value, reason."""

    def __init__(self, column: str, value: object, reason: str, at: datetime | None = None) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason, self.at = column, value, reason, at


@dataclass(slots=True)
class _Rows:
    """Accepted and refused rows of all answers, by column."""

    stores: list[str] = field(default_factory=list[str])
    measures: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    minutes: list[str] = field(default_factory=list[str])
    days: list[date] = field(default_factory=list[date])
    numbers: list[int] = field(default_factory=list[int])
    answers: list[int] = field(default_factory=list[int])
    refused: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    refused_answers: list[int] = field(default_factory=list[int])


def parse(feed: str, interface: Interface, landed: Iterable[Landed]) -> Parsed:
    """Read answers (each a list of pages) into the layout of their resource and their rejections.

    A row is refused when it lies outside what was asked, is of another store, has no minute with offset, or when its
    numbers contradict themselves (`diff_mismatch`: in minus out is not diff).
    """
    items = list(landed)
    rows = _Rows()
    outcomes: list[FileOutcome] = []
    for index, item in enumerate(items):
        good, bad = len(rows.numbers), len(rows.refused)
        try:
            _read(interface, index, item, rows)
        except Unreadable as error:
            reason, said = error.reason, str(error)
            outcomes.append(FileOutcome(item.delivery_id, 0, 0, state="unreadable", reason=reason, message=said))
            continue
        good, bad = len(rows.numbers) - good, len(rows.refused) - bad
        state = "parsed" if good else "unreadable" if bad else "empty"
        reason = "" if good else "every_row_rejected" if bad else "no_rows"
        said = f"all {bad} rows were rejected" if bad and not good else ""
        outcomes.append(FileOutcome(item.delivery_id, good, bad, state=state, reason=reason, message=said))
    return Parsed(_accepted(feed, interface, items, rows), _refused(feed, items, rows), tuple(outcomes))


def _read(interface: Interface, index: int, item: Landed, rows: _Rows) -> None:
    payload = item.payload
    bounds = _bounds(payload.name)
    results = list(_results(payload.content))
    plain = _plain(interface, payload, bounds, results)
    if plain is not None:
        stores, minutes, days, measures = plain
        rows.stores += stores
        rows.minutes += minutes
        rows.days += days
        rows.measures += measures
        rows.numbers += range(1, len(results) + 1)
        rows.answers += [index] * len(results)
        return
    for number, row in enumerate(results, start=1):
        try:
            store, measures, at = _row(interface, row)
            if payload.device_id and store != payload.device_id:
                raise _Wrong("store_code", store, "other_store", at)
            if bounds and not bounds[0] <= at <= bounds[1]:
                raise _Wrong("minute", at.isoformat(), "outside_window", at)
        except _Wrong as wrong:
            rows.refused.append(_refusal(payload, number, row, wrong))
            rows.refused_answers.append(index)
            continue
        rows.stores.append(store)
        rows.measures.append(measures)
        rows.minutes.append(at.isoformat())
        rows.days.append(_day(payload, at))
        rows.numbers.append(number)
        rows.answers.append(index)


def _day(payload: Payload, at: datetime) -> date:
    """Return a row's business day: as asked, by the store's calendar; where all stores were, by its offset."""
    return payload.business_date if payload.device_id and payload.business_date else at.date()


def _refusal(payload: Payload, number: int, row: Any, wrong: _Wrong) -> dict[str, Any]:
    own_day = wrong.at.date() if wrong.at else payload.received_at.date()
    return {
        "line_number": number,
        "column_name": wrong.column,
        "value": _text(wrong.value, 200),
        "reason": wrong.reason,
        "line": _text(row, 1000),
        "device_id": payload.device_id or _text(row.get("store_code") if isinstance(row, dict) else "", 200),
        "interval_start_local": wrong.at.replace(tzinfo=None) if wrong.at else None,
        "_business_date": payload.business_date or own_day,
    }


def _plain(
    interface: Interface, payload: Payload, bounds: tuple[datetime, datetime] | None, results: Sequence[Any]
) -> tuple[list[str], list[str], list[date], list[tuple[int, ...]]] | None:
    """Read an answer whose rows are all as documented by column, three times as fast; None where one is not."""
    try:
        keys = results[0].keys()
        names = [next(name for name in spellings if name in keys) for spellings in interface.measures]
        if any(row.keys() != keys for row in results):
            return None
        stores: list[str] = [row["store_code"] for row in results]
        minutes: list[str] = [row["minute"] for row in results]
        measures: list[tuple[int, ...]] = list(zip(*([row[name] for row in results] for name in names), strict=True))
        moments = [datetime.fromisoformat(minute) for minute in minutes]
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
        return None
    is_plain = (
        all(len(at) == 25 and at[10] == "T" and at[16:19] == ":00" and at[19] in "+-" for at in minutes)
        and {type(value) for values in measures for value in values} == {int}
        and all(0 <= values[0] <= _LARGEST for values in measures)
        and (len(names) < 3 or all(ins - outs == diff and 0 <= outs <= _LARGEST for ins, outs, diff in measures))
        and {type(store) for store in stores} == {str}
        and (set(stores) == {payload.device_id} if payload.device_id else all(store.strip() for store in stores))
        and (bounds is None or bounds[0] <= min(moments) <= max(moments) <= bounds[1])
    )
    return (stores, minutes, [_day(payload, at) for at in moments], measures) if is_plain else None


def _results(content: bytes) -> Iterable[Any]:
    only = content[1:-1] if content.startswith(b"[") else content
    reason = mismatch(only, "json")  # a page for people, or nothing at all, is said as such
    if reason:
        raise Unreadable(reason, reason.replace("_", " "))
    found = read_json(content)
    for page in cast("list[Any]", found) if isinstance(found, list) else [found]:
        results = cast("dict[str, Any]", page).get("results") if isinstance(page, dict) else None
        if not isinstance(results, list):
            raise Unreadable("not_a_page", "a page has no list of results")
        yield from cast("list[Any]", results)


def _row(interface: Interface, row: object) -> tuple[str, tuple[int, ...], datetime]:
    if not isinstance(row, dict):
        raise _Wrong("", row, "not_a_row")
    found = cast("dict[str, Any]", row)
    at = _minute(found.get("minute"))
    store = found.get("store_code")
    if not isinstance(store, str) or not store.strip():
        raise _Wrong("store_code", store, "blank_value" if store in (None, "") else "not_text", at)
    measures = tuple(_number(found, spellings, at) for spellings in interface.measures)
    if len(measures) == 3 and measures[0] - measures[1] != measures[2]:
        raise _Wrong(interface.columns[2], measures[2], "diff_mismatch", at)
    return store, measures, at


def _minute(value: object) -> datetime:
    """Read an ISO 8601 minute with its offset."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.second or at.microsecond:
        raise _Wrong("minute", value, "blank_value" if value in (None, "") else "bad_timestamp")
    return at


def _number(row: Mapping[str, Any], spellings: Sequence[str], at: datetime) -> int:
    name = next((spelling for spelling in spellings if spelling in row), "")
    if not name:
        raise _Wrong(spellings[0], "", "missing_columns", at)
    value = row[name]
    if isinstance(value, str) and value.strip().removeprefix("-").isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or abs(value) > _LARGEST:
        reason = "blank_value" if value in (None, "") else "not_whole" if isinstance(value, float) else "not_a_number"
        raise _Wrong(name, value, reason, at)
    if value < 0 and not name.startswith("diff"):
        raise _Wrong(name, value, "negative_count", at)
    return value


def _bounds(name: str) -> tuple[datetime, datetime] | None:
    """Return the minutes that were asked for, both inclusive, from a payload's name; None for a file in hand."""
    said = parse_qs(name.partition("?")[2])
    try:
        first, last = (datetime.fromisoformat(said[key][0]) for key in ("datetime_gte", "datetime_lte"))
    except (KeyError, ValueError):
        return None
    return (first.astimezone(UTC), last.astimezone(UTC)) if first.tzinfo and last.tzinfo else None


def _text(value: object, longest: int) -> str:
    said = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return said[:longest].encode("utf-8", "replace").decode()


def _bookkeeping(feed: str, items: Sequence[Landed], answers: Sequence[int]) -> dict[str, Any]:
    index = ints(answers)
    none = ints(np.zeros(len(answers), dtype=np.int32))
    payloads = [item.payload for item in items]
    return {
        "_source": repeated(["bespot"], none),
        "_feed": repeated([feed], none),
        "_delivery_id": repeated([item.delivery_id for item in items], index),
        "_received_at": repeated([payload.received_at for payload in payloads], index),
        "_delivered_at": repeated([payload.delivered_at for payload in payloads], index),
        "_effective_at": repeated([item.effective_at for item in items], index),
    }


def _accepted(feed: str, interface: Interface, items: Sequence[Landed], rows: _Rows) -> pa.Table:
    schema = LAYOUTS[interface.table]
    if not rows.numbers:
        return empty(schema)
    measures = np.asarray(rows.measures, dtype=np.int64)
    columns: dict[str, Any] = {
        "store_code": strings(rows.stores),
        **{name: _longs(measures[:, place]) for place, name in enumerate(interface.columns)},
        "minute": strings(rows.minutes),
        "_business_date": dates(rows.days),
        "_row_number": ints(rows.numbers),
        **_bookkeeping(feed, items, rows.answers),
    }
    return pa.Table.from_arrays([columns[column.name].cast(column.type) for column in schema], schema=schema)


def _refused(feed: str, items: Sequence[Landed], rows: _Rows) -> pa.Table:
    if not rows.refused:
        return empty(REJECTED)
    told = {"column_name", "value", "reason", "line", "device_id"}
    columns: dict[str, Any] = {
        **{name: strings([row[name] for row in rows.refused]) for name in told},
        "line_number": ints([row["line_number"] for row in rows.refused]),
        "interval_start_local": _local_times([row["interval_start_local"] for row in rows.refused]),
        "_business_date": dates([row["_business_date"] for row in rows.refused]),
        **_bookkeeping(feed, items, rows.refused_answers),
    }
    return pa.Table.from_arrays([columns[column.name].cast(column.type) for column in REJECTED], schema=REJECTED)


def _longs(values: Any) -> Any:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _local_times(values: Sequence[datetime | None]) -> Any:
    stamps = np.asarray([0 if at is None else round(at.replace(tzinfo=UTC).timestamp() * 1e6) for at in values])
    known = np.packbits([at is not None for at in values], bitorder="little")
    return pa.Array.from_buffers(pa.timestamp("us"), len(values), [pa.py_buffer(known), pa.py_buffer(stamps)])
