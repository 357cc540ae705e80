"""Counters' answers as rows: three shapes, in JSON or XML, chosen by content. No body is documented; all are inferred.

A flat: a list of `{Timestamp, ValueIn, ValueOut}` (the vendor's words elsewhere). B wrapped: the same under `Data`, as
the portal's export has it. C typed: count sets with a start, a delta, and counts of type 3 (in) and 4 (out), as an
older product of the vendor has it. Anything else is unreadable and kept, so that it can be replayed once known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from xml.etree.ElementTree import Element

from orchestration.sources.contract import Landed, Unreadable
from orchestration.sources.footfallcam.device_request import Requested, named_in_hand
from orchestration.sources.footfallcam.settings import DeviceSettings, Fields
from orchestration.sources.footfallcam.values import (
    Object,
    Unfit,
    as_object,
    as_objects,
    count,
    error_in,
    local_time,
    text,
)
from orchestration.sources.http import read_json
from orchestration.sources.rows import Read, Rejection
from orchestration.sources.xml import each, local_name, read_xml

IN, OUT = "3", "4"  # types of counts in shape C (seen in an older product's guide)
_HALF_A_CLOCK = timedelta(
    hours=6
)  # labels that fall back this far within a day are a clock's fault, not a clock change


@dataclass(frozen=True, slots=True)
class Bucket:
    """One interval as the body has it, nothing judged yet. `line` is what a rejection shows."""

    label: object
    entry: object
    exit: object
    line: str


def read_counts(item: Landed, settings: DeviceSettings) -> Read:
    """Read an answer into the DEVICE layout. Raises Unreadable: an unknown shape, an error, a clock that is wrong."""
    payload = item.payload
    asked = Requested.of(payload, settings)
    device_id = payload.device_id or named_in_hand(payload.name)[0]
    if not device_id:
        raise Unreadable("device_not_named", "neither the request nor the file's name says which counter this is of")
    if abs(asked.clock_ahead_seconds) > settings.clock_tolerance_seconds:
        hours = asked.clock_ahead_seconds / 3600
        raise Unreadable("clock_suspect", f"the counter's clock was {hours:+.2f} h off when it answered")
    read = Read()
    interval = timedelta(seconds=asked.interval_seconds)
    latest: datetime | None = None
    for position, bucket in enumerate(_buckets(payload.content, asked, settings, read), 1):
        start: datetime | None = None
        fallback = asked.business_date or payload.received_at.date()
        try:
            start = _start(bucket.label, interval, settings)
            if latest is not None and latest - start >= _HALF_A_CLOCK:
                raise Unreadable("clock_suspect", f"times fall back from {latest:%H:%M} to {start:%H:%M} within a day")
            latest = start
            if asked.business_date is not None and start.date() != asked.business_date:
                raise Unfit(settings.fields.time, bucket.label, "outside_request")
            entry, leave = count(settings.fields.entry, bucket.entry), count(settings.fields.exit, bucket.exit)
        except Unfit as error:
            day = asked.business_date or (start.date() if start else fallback)
            read.rejections.append(
                Rejection(position, error.column, error.value, error.reason, bucket.line, day, start)
            )
            continue
        label = text(bucket.label)
        read.rows.append(
            (
                device_id,
                label,
                entry,
                leave,
                asked.data_format,
                asked.interval_seconds,
                start,
                settings.row_timezone,
                settings.dense,
            )
        )
        read.days.append(start.date())
    return read


def _start(label: object, interval: timedelta, settings: DeviceSettings) -> datetime:
    found = local_time(settings.fields.time, label, (settings.time_format,) if settings.time_format else ())
    start = found - interval if settings.bucket_label == "end" else found
    if (start - datetime(start.year, start.month, start.day)) % interval:  # noqa: DTZ001 - a clock on the wall
        raise Unfit(settings.fields.time, label, "off_grid")
    return start


def _buckets(content: bytes, asked: Requested, settings: DeviceSettings, read: Read) -> Sequence[Bucket]:
    """Tell the shape by content and list its intervals."""
    if asked.data_type == "xml":
        return _xml_buckets(read_xml(content), asked, settings)
    body = read_json(content)
    if said := error_in(body):
        raise Unreadable("error_answer", f"the counter said: {said}")
    found = as_object(body)
    if found is None:
        rows = as_objects(body, "the answer")
        shape = "typed" if rows and "counts" in rows[0] else "flat"
        return _typed(rows, asked) if _allowed(shape, settings) == "typed" else _rows(rows, settings.fields, read)
    if "Data" in found:
        _allowed("wrapped", settings)
        return _rows(as_objects(found["Data"], "Data"), settings.fields, read)
    if "countsets" in found:
        _allowed("typed", settings)
        return _typed(as_objects(found["countsets"], "countsets"), asked)
    raise Unreadable("unknown_shape", f"an object with the keys {', '.join(sorted(found))[:200] or '(none)'}")


def _allowed(shape: str, settings: DeviceSettings) -> str:
    if settings.body not in ("auto", shape):
        raise Unreadable("unknown_shape", f"the answer is {shape}, the feed's table says {settings.body}")
    return shape


def _rows(rows: Sequence[Object], fields: Fields, read: Read) -> list[Bucket]:
    """List rows of shapes A and B; one that lacks a key is rejected, a body in which all do is no such shape."""
    wanted = (fields.time, fields.entry, fields.exit)
    if rows and not any(all(name in row for name in wanted) for row in rows):
        raise Unreadable("unknown_shape", f"rows with the keys {', '.join(sorted(rows[0]))[:200] or '(none)'}")
    if unknown := sorted({key for row in rows for key in row} - set(wanted)):
        read.notes.append(f"unknown keys: {', '.join(unknown)[:200]}")
    return [Bucket(row.get(fields.time), row.get(fields.entry), row.get(fields.exit), text(row)) for row in rows]


def _typed(sets: Sequence[Object], asked: Requested) -> list[Bucket]:
    """List intervals of shape C: each set is one interval, or a run of them from its start on."""
    found: list[Bucket] = []
    for one in sets:
        _check_delta(one.get("delta"), asked)
        series: dict[str, list[Any]] = {}
        for counted in as_objects(one.get("counts"), "counts"):
            values = counted.get("values", [counted.get("value")])
            kept = series.setdefault(text(counted.get("type")), [])
            kept.extend(cast("list[Any]", values) if isinstance(values, list) else [values])
        found.extend(_series(one.get("start"), series, asked))
    return found


def _series(start: object, series: dict[str, list[Any]], asked: Requested) -> Iterator[Bucket]:
    entries, exits = series.get(IN), series.get(OUT)
    if entries is None or exits is None or len(entries) != len(exits):
        raise Unreadable("unknown_shape", f"a count set with the types {', '.join(sorted(series)) or '(none)'}")
    for step, (entry, leave) in enumerate(zip(entries, exits, strict=True)):
        label: object = start
        if step:
            try:
                first = local_time("start", start)
            except Unfit as error:
                raise Unreadable("unknown_shape", f"a run of counts from {error.value!r} on") from error
            label = f"{first + step * timedelta(seconds=asked.interval_seconds):%Y-%m-%d %H:%M:%S}"
        yield Bucket(label, entry, leave, text([start, step, entry, leave]))


def _check_delta(delta: object, asked: Requested) -> None:
    """Check that sets are as long as was asked, in seconds or in minutes: which of them is not documented."""
    said = text(delta).strip()
    if said not in (str(asked.interval_seconds), str(asked.interval_seconds / 60).removesuffix(".0")):
        raise Unreadable("unexpected_delta", f"sets of {said or 'no'} length, asked for {asked.interval_seconds} s")


def _xml_buckets(root: Element, asked: Requested, settings: DeviceSettings) -> list[Bucket]:
    """List intervals of the same shapes in XML: rows are elements with the three names as children or attributes."""
    sets = list(each(root, "countset"))
    if sets:
        _allowed("typed", settings)
        return _typed([_set_of(element) for element in sets], asked)
    fields = settings.fields
    wanted = {fields.time, fields.entry, fields.exit}
    rows = [found for element in root.iter() if wanted & (found := _named(element)).keys()]
    if not rows:
        if not len(root) and not (root.text or "").strip():
            return []
        names = sorted({local_name(element) for element in root.iter()})
        raise Unreadable("unknown_shape", f"elements {', '.join(names)[:200]}")
    _allowed("wrapped" if local_name(root) == "Data" else "flat", settings)
    return _rows(rows, fields, Read())


def _named(element: Element) -> dict[str, Any]:
    """Return an element's attributes and the texts of its childless children."""
    found: dict[str, Any] = dict(element.attrib)
    found |= {local_name(child): (child.text or "").strip() for child in element if not len(child)}
    return found


def _set_of(element: Element) -> dict[str, Any]:
    counts = [{**_named(counted), "value": _value_of(counted)} for counted in each(element, "count")]
    return {**_named(element), "counts": counts}


def _value_of(counted: Element) -> str:
    named = _named(counted)
    return named["value"] if "value" in named else (counted.text or "").strip()
