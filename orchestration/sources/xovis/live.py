"""Cumulative readings: `live/logics` of firmware 5, the JSON and the XML of firmware 3 and 4, told apart by envelope.

A value counts since the last reset, so a row here is a reading and never an interval; staging takes the differences.
Firmware 5 is documented, the older shapes were seen in practice (one client, one capture).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from xml.etree.ElementTree import Element

from orchestration.sources.contract import Channel, Landed, Unreadable
from orchestration.sources.http import read_json
from orchestration.sources.rows import Read, Rejection, schema
from orchestration.sources.xml import child, each, local_name, read_xml, text_of
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
    unknown_fields,
)

LIVE = schema(
    device_id="text",
    envelope="text",
    time="text",
    reading_at="instant",
    clock_offset_seconds="number",
    logic_id="text",
    logic_name="text",
    info="text",
    count_id="text",
    count_name="text",
    value="number",
    counted_as="text",
    is_closing="flag",
)
_KNOWN_LOGIC = frozenset({"id", "name", "info", "geometries", "counts", "type", "layer_id", "zone_of_interest_id"})
_KNOWN_COUNT = frozenset({"id", "name", "value", "unit", "bins", "histogram"})
_REPEATS_PEOPLE = "XLT_GROUP_"  # groups consist of people who are counted already (documented)


class CounterSettings(Protocol):
    """What reading needs to know of a feed's table."""

    @property
    def timezone(self) -> str:
        """The zone of a device that has none."""
        ...

    @property
    def clock_tolerance_seconds(self) -> float:
        """How far a sensor's clock may be from ours."""
        ...

    def counted_as(self, name: str) -> str:
        """Tell what a counter's name counts: `entry`, `exit` or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """When a reading was taken: as the sensor wrote it, as we take it, and how far its clock is from ours (seconds)."""

    written: str
    at: datetime
    offset_seconds: float | None


@dataclass(frozen=True, slots=True)
class _Value:
    """One counter's value as it was found."""

    logic_id: str
    logic_name: str
    info: str
    count_id: str
    name: str
    value: object


def when_taken(item: Landed, written: object, settings: CounterSettings, zone: str) -> Taken:
    """Decide when a reading was taken.

    The sensor's clock counts as long as it agrees with ours within the tolerance. Beyond, or where it cannot be read,
    the moment the answer arrived does, which is right for a live value whatever the sensor's clock shows. A file in
    hand has nothing but the sensor's clock: without one it raises Unreadable `bad_timestamp`.
    """
    received = item.payload.received_at
    try:
        at = instant(written, zone)
    except ValueError as error:
        if item.payload.channel is not Channel.API:
            raise Unreadable("bad_timestamp", f"the reading's time cannot be read: {error}") from error
        return Taken(text(written), received, None)
    if item.payload.channel is not Channel.API:
        return Taken(text(written), at, None)
    offset = (at - received).total_seconds()
    is_near = abs(offset) <= settings.clock_tolerance_seconds
    return Taken(text(written), at if is_near else received, round(offset, 3))


def read_live(item: Landed, settings: CounterSettings) -> Read:
    """Read one answer into the LIVE layout. Raises Unreadable."""
    if not item.payload.device_id:
        raise Unreadable("device_not_named", "neither the request nor the file's name says which sensor this is of")
    asked = Requested.of(item.payload, settings.timezone)
    read = Read(reason_if_empty="no_counters")
    if item.payload.content.lstrip()[:1] == b"<":
        envelope, written, values = _from_xml(read_count_data(item.payload.content))
    else:
        envelope, written, values = _from_json(read_json(item.payload.content), read)
    taken = when_taken(item, written, settings, asked.zone)
    _note_clock(taken, settings, read)
    days = list(asked.days_of_reading(taken.at))
    for position, found in enumerate(values, 1):
        role = "" if found.info.startswith(_REPEATS_PEOPLE) else settings.counted_as(found.name)
        try:
            value = number(found.value, counts_people=bool(role))
        except Unfit as error:
            line = f"{found.logic_id} {found.name} {error.value}"
            read.rejections.append(Rejection(position, found.name, error.value, error.reason, line, days[0][0]))
            continue
        row = (
            *(item.payload.device_id, envelope, taken.written, taken.at, taken.offset_seconds),
            *(found.logic_id, found.logic_name, found.info, found.count_id, found.name, value, role),
        )
        for of_day, is_closing in days:
            read.rows.append((*row, is_closing))
            read.days.append(of_day)
    return read


def _note_clock(taken: Taken, settings: CounterSettings, read: Read) -> None:
    if taken.offset_seconds is not None and abs(taken.offset_seconds) > settings.clock_tolerance_seconds:
        read.notes.append(f"the sensor's clock is {taken.offset_seconds:+.0f} s off; the time of arrival counts")


def _from_json(answer: object, read: Read) -> tuple[str, object, list[_Value]]:
    body = as_object(answer)
    if body is None:
        raise unknown_envelope("the answer is no object")
    refuse_error_answer(body)
    if "logics" in body or "logic" in body:
        logics = objects(body["logics"] if "logics" in body else [body["logic"]], "logics")
        drift = unknown_fields("logics", logics, _KNOWN_LOGIC)
        for logic in logics:
            drift += unknown_fields("counts", objects(logic.get("counts"), "logics.counts"), _KNOWN_COUNT)
        if drift:
            read.notes.append(f"unknown fields: {', '.join(dict.fromkeys(drift))}")
        return "v5_logics", body.get("time"), list(_v5_values(logics))
    content, sensor_time = as_object(body.get("content")), as_object(body.get("sensor-time"))
    if content is None or sensor_time is None:
        raise unknown_envelope(f"neither logics nor content, but {', '.join(sorted(body))[:200] or 'nothing'}")
    status = as_object(body.get("status")) or {}
    if status.get("code") != "OK":
        raise Unreadable("status_not_ok", f"the sensor said {text(status.get('code'))[:100] or 'nothing'}")
    return "legacy_json", sensor_time.get("time"), list(_legacy_values(objects(content.get("element"), "element")))


def _v5_values(logics: list[Object]) -> Iterator[_Value]:
    for logic in logics:
        for count in objects(logic.get("counts"), "logics.counts"):
            yield _Value(
                text(logic.get("id")), text(logic.get("name")), text(logic.get("info")), text(count.get("id")),
                text(count.get("name")), count.get("value"),
            )  # fmt: skip


def _legacy_values(elements: list[Object]) -> Iterator[_Value]:
    for element in elements:
        live: Any = as_object(element.get("live-data")) or {}
        for value in objects(live.get("value", []), "live-data.value"):
            yield _Value(
                text(element.get("element-id")), text(element.get("element-name")), text(element.get("data-type")),
                "", text(value.get("label")), value.get("value"),
            )  # fmt: skip


def read_count_data(content: bytes) -> Element:
    """Read a legacy document and check its own status: HTTP 200 may carry another one. Raises Unreadable."""
    root = read_xml(content)
    status = next(each(root, "request-status"), None)
    said = text_of(status, "status") if status is not None else ""
    if said != "OK":
        raise Unreadable("status_not_ok", f"the document says {said[:100] or 'nothing'} as its status")
    return root


def legacy_values(root: Element) -> Iterator[_Value]:
    """Go through the counters of a `count-data` document: lines, and zones where there are any."""
    for kind in ("line", "zone"):
        for element in each(root, kind):
            for value in element:
                yield _Value(
                    element.get("id", ""), element.get("name", ""), kind.upper(), "", local_name(value),
                    (value.text or "").strip(),
                )  # fmt: skip


def _from_xml(root: Element) -> tuple[str, object, list[_Value]]:
    if local_name(root) != "count-data" or child(root, "count-items") is None:
        raise unknown_envelope(f"the root element is {local_name(root)[:60]}")
    return "legacy_xml", text_of(root, "sensor-time"), list(legacy_values(root))
