"""`/api/v5/<context>/data/history/logics`: interval bins from the sensor's own database, one business day an answer.

Field names, units and what `records` means are documented (the sensor's OpenAPI file, releases 5.3 and 5.6.2). No
recorded answer is public, so whether `end` is exclusive and how bins align is inferred, and both are tolerated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from orchestration.sources.contract import Landed, Unreadable
from orchestration.sources.http import read_json
from orchestration.sources.rows import Read, Rejection, schema
from orchestration.sources.xovis.request import Requested
from orchestration.sources.xovis.times import from_microseconds, microseconds
from orchestration.sources.xovis.values import (
    Object,
    Unfit,
    as_array,
    as_object,
    number,
    objects,
    refuse_error_answer,
    text,
    unknown_envelope,
    unknown_fields,
    whole,
)

HISTORY = schema(  # up to `counted_as` the same for all bins of a counter
    device_id="text",
    resolution_ms="whole",
    logic_id="text",
    logic_name="text",
    count_id="text",
    count_name="text",
    count_type="text",
    counted_as="text",
    begin="instant",
    end="instant",
    records="whole",
    value="number",
)
_KNOWN = {
    "history": frozenset(
        {"begin", "end", "begin_data", "end_data", "index_begin", "index_end", "resolution_ms", "number_of_bins"}
        | {"number_of_bins_requested", "config", "measurements"}
    ),
    "config": frozenset({"logics", "counts", "geometries"}),
    "logics": frozenset({"id", "name", "optional_data", "info", "geometries", "last_modified"}),
    "counts": frozenset({"id", "logic_id", "name", "type"}),
    "measurements": frozenset({"begin", "end", "records", "counts"}),
}


_MINUTE = 60_000_000
_LONGEST_BIN = 2 * 1440 * _MINUTE
_YEAR_9000 = 221_845_392_000 * 1_000_000  # beyond, some zone's clock would leave the calendar


@dataclass(frozen=True, slots=True)
class _Counter:
    """What `config` says of a counter, because measurements carry its id and nothing else. `row`: its shared columns.

    A `state` (such as `balance`) is a value at the end of a bin and never summed (documented): it counts nobody.
    """

    name: str
    counts_people: bool
    row: int


@dataclass(frozen=True, slots=True)
class _Bin:
    """One measurement: its time in microseconds, and of how many one-minute records it is (None: it does not say)."""

    position: int
    begin: int
    end: int
    records: int | None
    counts: list[object]

    @property
    def covered(self) -> int:
        """How much of it was really measured, in microseconds."""
        width = self.end - self.begin
        return width if self.records is None else min(width, self.records * _MINUTE)


def read_history(item: Landed, zone: str, counted_as: Callable[[str], str]) -> Read:
    """Read an answer (or a JSON array of answers) into the HISTORY layout. Raises Unreadable."""
    asked = Requested.of(item.payload, zone)
    device = item.payload.device_id
    if not device:
        raise Unreadable("device_not_named", "neither the request nor the file's name says which sensor this is of")
    read = Read(reason_if_empty="no_records")
    chosen: dict[tuple[frozenset[str], int], tuple[_Bin, dict[str, _Counter], date]] = {}
    for answer in _answers(item.payload.content):
        counters = _counters(answer, device, counted_as, read)
        _note_drift(answer, read)
        key = frozenset(counters)
        for bin_, day in _bins_asked(answer, asked, read):
            held = chosen.get((key, bin_.begin))
            if held is not None:
                read.notes.append("a bin came twice, the one of more records counts")
            if held is None or bin_.covered > held[0].covered:
                chosen[key, bin_.begin] = (bin_, counters, day)
    for bin_, counters, day in chosen.values():
        _read_counts(bin_, counters, day, asked, read)
    return read


def covered_minutes(content: bytes, begin: datetime, end: datetime) -> int:
    """Count the minutes of a range that an answer covers, by its `records`. Raises Unreadable."""
    first, last = microseconds(begin), microseconds(end)
    found: dict[int, int] = {}
    for answer in _answers(content):
        for bin_ in _bins(answer):
            if isinstance(bin_, _Bin) and first <= bin_.begin < last:
                found[bin_.begin] = max(found.get(bin_.begin, 0), bin_.covered)
    return sum(found.values()) // _MINUTE


def _answers(content: bytes) -> list[Object]:
    answer = read_json(content)
    pages = [as_object(page) for page in (cast("list[object]", answer) if isinstance(answer, list) else [answer])]
    found: list[Object] = []
    for page in pages:
        if page is None:
            raise unknown_envelope("the answer is no object")
        refuse_error_answer(page)
        if "measurements" not in page or as_object(page.get("config")) is None:
            raise unknown_envelope(f"no config and measurements, but {', '.join(sorted(page))[:200] or 'nothing'}")
        found.append(page)
    return found


def _counters(answer: Object, device: str, counted_as: Callable[[str], str], read: Read) -> dict[str, _Counter]:
    """Index the counters of `config` by id, and put what they share into the read."""
    config: Object = answer["config"]
    names = {text(logic.get("id")): text(logic.get("name")) for logic in objects(config.get("logics", []), "logics")}
    resolution = whole(answer.get("resolution_ms"))
    found: dict[str, _Counter] = {}
    for count in objects(config.get("counts"), "config.counts"):
        key, logic, name = text(count.get("id")), text(count.get("logic_id")), text(count.get("name"))
        kind = text(count.get("type")).lower()
        role = counted_as(name) if kind in ("accumulation", "") else ""
        found[key] = _Counter(name, bool(role), len(read.shared))
        read.shared.append((device, resolution, logic, names.get(logic, ""), key, name, kind, role))
    return found


def _bins(answer: Object) -> Iterator[_Bin | Unfit]:
    """Go through the measurements; one whose frame cannot be read is an Unfit whose `position` says where."""
    for position, measurement in enumerate(objects(answer["measurements"], "measurements"), 1):
        begin, end = measurement.get("begin"), measurement.get("end")
        try:
            first, last = microseconds(begin), microseconds(end)
        except ValueError:
            first = last = 0
        if 0 <= first < last <= first + _LONGEST_BIN and last < _YEAR_9000:
            records = None if "records" not in measurement else whole(measurement["records"]) or 0
            yield _Bin(position, first, last, records, as_array(measurement.get("counts"), "measurements.counts"))
        else:
            yield Unfit("bad_timestamp", f"{begin} to {end}", position)


def _bins_asked(answer: Object, asked: Requested, read: Read) -> Iterator[tuple[_Bin, date]]:
    """Take the bins that were asked for, each with its business day; reject the others."""
    first = microseconds(asked.begin) if asked.begin else None
    last = microseconds(asked.end) if asked.end else None
    asked_day = asked.business_date or (asked.day_of(asked.begin) if asked.begin else None)
    for bin_ in _bins(answer):
        if isinstance(bin_, Unfit):
            if asked_day is None:
                raise Unreadable("bad_timestamp", f"measurement {bin_.position} has no readable time")
            read.rejections.append(Rejection(bin_.position, "begin", bin_.value, bin_.reason, bin_.value, asked_day))
        elif first is None or last is None:
            yield bin_, asked.day_of(from_microseconds(bin_.begin))
        elif first <= bin_.begin < last:
            yield bin_, asked_day or asked.day_of(from_microseconds(bin_.begin))
        elif bin_.begin != last:  # a sensor that takes `end` as included sends that bin again with the next day
            at = from_microseconds(bin_.begin)
            line, day = f"{at.isoformat()} {bin_.counts}", asked_day or asked.day_of(at)
            read.rejections.append(
                Rejection(bin_.position, "begin", at.isoformat(), "outside_request", line, day, asked.local(at))
            )


def _read_counts(bin_: _Bin, counters: dict[str, _Counter], day: date, asked: Requested, read: Read) -> None:
    for said in bin_.counts:
        count = as_object(said)
        if count is None:
            raise unknown_envelope("measurements.counts holds something else than objects")
        key = count.get("id")
        counter = counters.get(key if type(key) is str else str(key))
        if counter is None:
            read.notes.append(f"counter {text(key)} is not in config")
            continue
        value = count.get("value")
        if type(value) is not int or value < 0:  # nearly all are such, and there are millions
            try:
                value = number(value, counts_people=counter.counts_people)
            except Unfit as error:
                local = asked.local(from_microseconds(bin_.begin))
                read.rejections.append(
                    Rejection(bin_.position, counter.name, error.value, error.reason, str(count), day, local)
                )
                continue
        read.shared_index.append(counter.row)
        read.rows.append((bin_.begin, bin_.end, bin_.records, value))
        read.days.append(day)


def _note_drift(answer: Object, read: Read) -> None:
    config: Object = answer["config"]
    found = [
        *unknown_fields("history", [answer], _KNOWN["history"]),
        *unknown_fields("config", [config], _KNOWN["config"]),
        *unknown_fields("logics", objects(config.get("logics", []), "logics"), _KNOWN["logics"]),
        *unknown_fields("counts", objects(config.get("counts", []), "config.counts"), _KNOWN["counts"]),
        *unknown_fields("measurements", objects(answer["measurements"], "measurements"), _KNOWN["measurements"]),
    ]
    if found:
        read.notes.append(f"unknown fields: {', '.join(found)}")
