"""Firmware 3 and 4 as they speak: four XML documents of one sensor, each a payload, as (element, label, value) rows.

Seen in practice: one capture of each document (software 4.3.1) and the drivers that read them. There is no history to
ask for: counts are cumulative readings, and staging takes the differences.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from orchestration.sources.contract import Landed, Unreadable
from orchestration.sources.rows import Read, Rejection, schema
from orchestration.sources.xml import each, local_name, text_of
from orchestration.sources.xovis.live import CounterSettings, legacy_values, read_count_data, when_taken
from orchestration.sources.xovis.request import Requested
from orchestration.sources.xovis.values import Unfit, number, unknown_envelope

LEGACY = schema(
    device_id="text",
    document="text",
    sensor_time="text",
    reading_at="instant",
    clock_offset_seconds="number",
    element="text",
    id="text",
    name="text",
    label="text",
    value="text",
    count_value="number",
    counted_as="text",
    is_closing="flag",
)
_DOCUMENTS = {
    "count-data": "count-data",
    "response": "alive",
    "sensor-status": "sensor-status",
    "persistence-info": "persistence",
}
_STATUS_LABELS = (  # path below the root, in the vendor's words
    ("uptime",), ("sensor", "serial-number"), ("sensor", "name"), ("sensor", "group"), ("sensor", "device-type"),
    ("operation", "mode"), ("operation", "framenumber"), ("operation", "timezone"), ("operation", "privacy-mode"),
    ("illumination", "sufficientIllumination"), ("configuration", "hash"), ("configuration", "last-modified"),
    ("ntp-status", "active"), ("ntp-status", "last-successful"), ("ntp-status", "is-critical"),
    ("multisensor-status", "ms-status"),
)  # fmt: skip
_PERSISTENCE = ("first-entry", "last-entry", "entry-count")

Cell = tuple[str, str, str, str, str]  # element, id, name, label, value


def read_legacy(item: Landed, settings: CounterSettings) -> Read:
    """Read one document into the LEGACY layout. Raises Unreadable."""
    if not item.payload.device_id:
        raise Unreadable("device_not_named", "neither the request nor the file's name says which sensor this is of")
    root = read_count_data(item.payload.content)
    document = _DOCUMENTS.get(local_name(root))
    if document is None:
        raise unknown_envelope(f"the root element is {local_name(root)[:60]}")
    asked = Requested.of(item.payload, settings.timezone)
    taken = when_taken(item, text_of(root, "sensor-time"), settings, asked.zone)
    days = list(asked.days_of_reading(taken.at))
    read = Read(reason_if_empty="no_counters")
    head = (item.payload.device_id, document, taken.written, taken.at, taken.offset_seconds)
    for position, cell in enumerate(cells(document, root), 1):
        role = settings.counted_as(cell[3]) if document == "count-data" else ""
        value: float | None = None
        if role:
            try:
                value = number(cell[4], counts_people=True)
            except Unfit as error:
                read.rejections.append(Rejection(position, cell[3], cell[4], error.reason, " ".join(cell), days[0][0]))
                continue
        for day, is_closing in days if role else days[:1]:
            read.rows.append((*head, *cell, value, role, is_closing))
            read.days.append(day)
    return read


def cells(document: str, root: Element) -> Iterator[Cell]:
    """Go through what a document says, each value with the element it belongs to."""
    if document == "count-data":
        for found in legacy_values(root):
            yield found.info.lower(), found.logic_id, found.logic_name, found.name, str(found.value)
    elif document == "alive":
        yield "alive", "", "", "status", "OK"
    elif document == "sensor-status":
        yield from status_cells(root)
    else:
        yield from _persistence_cells(root)


def status_cells(root: Element) -> Iterator[Cell]:
    """Go through a `sensor-status` document: versions by type, and the values health is judged by."""
    for version in each(root, "version"):
        yield "version", "", "", version.get("type", ""), (version.text or "").strip()
    for path in _STATUS_LABELS:
        said = text_of(root, *path)
        if said:
            yield "sensor", "", "", path[-1], said
    for remote in each(root, "remote"):
        yield "remote", "", text_of(remote, "server"), "established", text_of(remote, "established")


def _persistence_cells(root: Element) -> Iterator[Cell]:
    """What the sensor stores per line and zone; `entry-count` is most likely days of storage (inferred), not people."""
    for storage in root:
        capacity = text_of(storage, "capacity")
        if not capacity:
            continue
        what = local_name(storage)
        yield what, "", "", "capacity", capacity
        for element in [*each(storage, "count-line"), *each(storage, "count-zone")]:
            for label in _PERSISTENCE:
                yield what, text_of(element, "id"), text_of(element, "name"), label, text_of(element, label)
