"""The dialect of the text this project was first asked to serve: `/api/v1/occupancy/current?locationId=`, `?from=&to=`.

UNVERIFIED. No public evidence supports this interface: that text matches generated pages that contradict each other
(docs/xovis.md). Only the envelope `{status, timestamp, data: […]}` stands in it; what an entry holds is inferred, so
every number of an entry becomes a row under its own name. Nothing asks it unless an address says `#document`.
"""

from collections.abc import Sequence
from datetime import datetime

from orchestration.sources.contract import Landed, Unreadable
from orchestration.sources.http import read_json
from orchestration.sources.rows import Read, Rejection, schema
from orchestration.sources.xovis.live import CounterSettings
from orchestration.sources.xovis.request import Requested
from orchestration.sources.xovis.times import instant
from orchestration.sources.xovis.values import (
    Object,
    Unfit,
    as_object,
    number,
    objects,
    refuse_error_answer,
    text,
    unknown_envelope,
)

DOCUMENT = schema(
    device_id="text",
    timestamp="text",
    location_id="text",
    begin="instant",
    end="instant",
    label="text",
    value="number",
    counted_as="text",
)
# inferred: the first of these names that an entry has
_LOCATION = ("locationId", "location_id", "zoneId", "id")
_BEGIN = ("from", "start", "begin")
_END = ("to", "end")
_FRAME = frozenset({*_LOCATION, *_BEGIN, *_END, "timestamp", "name"})


def read_document(item: Landed, settings: CounterSettings) -> Read:
    """Read one answer into the DOCUMENT layout. Raises Unreadable."""
    if not item.payload.device_id:
        raise Unreadable("device_not_named", "neither the request nor the file's name says which location this is of")
    body = as_object(read_json(item.payload.content))
    if body is None:
        raise unknown_envelope("the answer is no object")
    refuse_error_answer(body)
    if "data" not in body or "status" not in body:
        raise unknown_envelope(f"no status and data, but {', '.join(sorted(body))[:200] or 'nothing'}")
    if body["status"] != "success":
        raise Unreadable("status_not_ok", f"the answer says {text(body['status'])[:100] or 'nothing'} as its status")
    asked = Requested.of(item.payload, settings.timezone)
    read = Read(reason_if_empty="no_entries")
    for position, entry in enumerate(objects(body["data"], "data"), 1):
        _read_entry(entry, position, item, text(body.get("timestamp")), asked, settings, read)
    return read


def _read_entry(
    entry: Object,
    position: int,
    item: Landed,
    stamp: str,
    asked: Requested,
    settings: CounterSettings,
    read: Read,
) -> None:
    fallback = asked.business_date or asked.day_of(item.payload.received_at)
    location = text(_first(entry, _LOCATION))
    try:
        begin, end = _time(entry, _BEGIN, asked), _time(entry, _END, asked)
        at = begin or _time(entry, ("timestamp",), asked) or instant(stamp, asked.zone)
    except ValueError as error:
        read.rejections.append(Rejection(position, "from", str(error), "bad_timestamp", str(entry), fallback))
        return
    if location and location != item.payload.device_id:
        read.rejections.append(Rejection(position, "locationId", location, "outside_request", str(entry), fallback))
        return
    if asked.begin is not None and asked.end is not None and not asked.begin <= at < asked.end:
        read.rejections.append(Rejection(position, "from", at.isoformat(), "outside_request", str(entry), fallback))
        return
    for label, said in entry.items():
        if label in _FRAME or isinstance(said, dict | list):
            continue
        role = settings.counted_as(label)
        try:
            value = number(said, counts_people=bool(role))
        except Unfit as error:
            if role:
                read.rejections.append(Rejection(position, label, error.value, error.reason, str(entry), fallback))
            continue
        read.rows.append((item.payload.device_id, stamp, location, begin, end, label, value, role))
        read.days.append(asked.day_of(at))


def _first(entry: Object, names: Sequence[str]) -> object:
    return next((entry[name] for name in names if name in entry), None)


def _time(entry: Object, names: Sequence[str], asked: Requested) -> datetime | None:
    said = _first(entry, names)
    return None if said is None else instant(said, asked.zone)
