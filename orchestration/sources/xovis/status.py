"""One health check of one sensor as one row: facts only. Which layer fails first is decided in staging.

Firmware 5 fields are documented (OpenAPI examples, and one capture of the same tree pushed); firmware 3 and 4 were seen
in captures of the documents that legacy.py reads. An answer that could not be had is a fact as well.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from orchestration.sources.contract import Channel, Landed, Unreadable
from orchestration.sources.http import read_json
from orchestration.sources.rows import Read, own_columns, schema
from orchestration.sources.xml import each, text_of
from orchestration.sources.xovis.legacy import status_cells
from orchestration.sources.xovis.live import CounterSettings, read_count_data
from orchestration.sources.xovis.request import Requested
from orchestration.sources.xovis.times import instant
from orchestration.sources.xovis.values import (
    Object,
    Unfit,
    as_object,
    number,
    text,
    unknown_envelope,
    unknown_fields,
    whole,
)

STATUS = schema(
    device_id="text",
    generation="text",
    serial="text",
    product="text",
    fw_version="text",
    device_name="text",
    state="text",
    uptime_sec="number",
    time_state="text",
    sensor_time="text",
    sensor_at="instant",
    clock_offset_seconds="number",
    is_clock_ok="flag",
    time_zone="text",
    last_downtime_sec="number",
    frames_processed="whole",
    illumination="text",
    push_agent_count="whole",
    push_sent_count="whole",
    push_dropped_count="whole",
    push_last_successful_at="instant",
    push_last_failed_at="instant",
    stored_record_count="whole",
    oldest_record_at="instant",
    newest_record_at="instant",
    last_reset_at="instant",
    config_changed_at="instant",
    failures="text",
    unknown_fields="text",
)
_KNOWN = {
    "device/info": frozenset({"serial", "fw_version", "prod_code", "type", "variant", "product_series"}),
    "device/state": frozenset({"state", "details"}),
    "device/id": frozenset({"name", "group"}),
    "time/state": frozenset({"state", "details", "sources", "last_downtime_sec"}),
    "status": frozenset({"frames_processed", "illumination", "tilt", "status", "members", "sensors"}),
}
Facts = dict[str, Any]


def bundle(parts: Mapping[str, bytes], failures: Mapping[str, str]) -> bytes:
    """Put the answers of one check into one payload: JSON bodies byte for byte, anything else as a JSON text."""
    members = [json.dumps(name).encode() + b":" + _member(body) for name, body in parts.items()]
    members.append(b'"failures":' + json.dumps(dict(failures), sort_keys=True).encode())
    return b"{" + b",\n".join(members) + b"}"


def _member(body: bytes) -> bytes:
    try:
        read_json(body)
    except Unreadable:
        return json.dumps(body.decode("utf-8", "backslashreplace")).encode()
    return body


def read_status(item: Landed, settings: CounterSettings) -> Read:
    """Read one check into the STATUS layout. Raises Unreadable."""
    if not item.payload.device_id:
        raise Unreadable("device_not_named", "neither the request nor the file's name says which sensor this is of")
    parts = as_object(read_json(item.payload.content))
    if parts is None or "failures" not in parts:
        raise unknown_envelope("not a bundle of a health check's answers")
    asked = Requested.of(item.payload, settings.timezone)
    facts: Facts = {"device_id": item.payload.device_id}
    notes: list[str] = []
    failures = {key: text(value) for key, value in (as_object(parts["failures"]) or {}).items()}
    for path, answer in parts.items():
        if path == "failures":
            continue
        try:
            _read_part(path, answer, facts, notes, asked.zone)
        except (Unreadable, Unfit, ValueError) as error:
            failures[path] = getattr(error, "reason", "unreadable")
    facts["generation"] = "legacy" if any(path.startswith("info/") for path in [*parts, *failures]) else "v5"
    _judge_clock(facts, item, settings, asked.zone)
    facts["failures"] = ", ".join(f"{path}: {reason}" for path, reason in sorted(failures.items()))
    facts["unknown_fields"] = ", ".join(sorted(set(notes)))
    read = Read(notes=[f"unknown fields: {facts['unknown_fields']}"] if notes else [])
    read.rows.append(tuple(facts.get(name) for name in own_columns(STATUS)))
    read.days.append(asked.day_of(item.payload.received_at))
    return read


def _judge_clock(facts: Facts, item: Landed, settings: CounterSettings, zone: str) -> None:
    try:
        facts["sensor_at"] = instant(facts.get("sensor_time"), zone)
    except ValueError:
        return
    if item.payload.channel is Channel.API:
        offset = (facts["sensor_at"] - item.payload.received_at).total_seconds()
        facts["clock_offset_seconds"] = round(offset, 3)
        facts["is_clock_ok"] = abs(offset) <= settings.clock_tolerance_seconds


def _read_part(path: str, answer: object, facts: Facts, notes: list[str], zone: str) -> None:
    if path.startswith("info/"):
        if not isinstance(answer, str):
            raise unknown_envelope("no XML")
        _LEGACY_PARTS[path](answer.encode(), facts, zone)
        return
    body = as_object(answer)
    if body is None:
        raise unknown_envelope("no object")
    if path in _KNOWN:
        known = _KNOWN[path]
        notes.extend(unknown_fields(path, [{key: 0 for key in body if not key.startswith("hw_")}], known))
    reader = _PARTS.get(path)
    if reader is not None:
        reader(body, facts, zone)


def _info(body: Object, facts: Facts, zone: str) -> None:
    del zone
    facts["serial"], facts["fw_version"] = text(body.get("serial")), text(body.get("fw_version"))
    facts["product"] = text(body.get("prod_code"))


def _identity(body: Object, facts: Facts, zone: str) -> None:
    del zone
    facts["device_name"] = text(body.get("name"))


def _state(body: Object, facts: Facts, zone: str) -> None:
    del zone
    details = as_object(body.get("details")) or {}
    facts["state"], facts["uptime_sec"] = text(body.get("state")), _measure(details.get("uptime_sec"))


def _time_state(body: Object, facts: Facts, zone: str) -> None:
    del zone
    details = as_object(body.get("details")) or {}
    facts["time_state"], facts["sensor_time"] = text(body.get("state")), text(details.get("time"))
    facts["last_downtime_sec"] = _measure(body.get("last_downtime_sec", details.get("last_downtime_sec")))


def _time(body: Object, facts: Facts, zone: str) -> None:
    del zone
    facts["time_zone"] = text(body.get("time_zone"))


def _scene(body: Object, facts: Facts, zone: str) -> None:
    del zone
    facts["frames_processed"] = whole(body.get("frames_processed"))
    facts["illumination"] = text(body.get("illumination"))


def _storage(body: Object, facts: Facts, zone: str) -> None:
    """Read `data/history/status`; its times are the ones with a zone abbreviation (documented example)."""
    storage = as_object(body.get("storage")) or {}
    stored = as_object(storage.get("stored_data")) or {}
    facts["stored_record_count"] = whole(stored.get("number_of_count_records"))
    facts["oldest_record_at"] = _moment(stored.get("time_begin"), zone)
    facts["newest_record_at"] = _moment(stored.get("time_end"), zone)
    resets = [_moment(count.get("reset_time"), zone) for count in _each(stored.get("counts"))]
    facts["last_reset_at"] = max((at for at in resets if at), default=None)


def _agents(body: Object, facts: Facts, zone: str) -> None:
    agents = _each(body.get("agent_states"))
    packages = [as_object(agent.get("package_info")) or {} for agent in agents]
    sent = [as_object(agent.get("transmit_info")) or {} for agent in agents]
    facts["push_agent_count"] = len(agents)
    facts["push_sent_count"] = sum(whole(package.get("no_of_sent")) or 0 for package in packages)
    facts["push_dropped_count"] = sum(whole(package.get("no_of_dropped")) or 0 for package in packages)
    for fact, key in (("push_last_successful_at", "last_successful"), ("push_last_failed_at", "last_failed")):
        times = [_moment((as_object(item.get(key)) or {}).get("time"), zone) for item in sent]
        facts[fact] = max((at for at in times if at), default=None)


def _config(body: Object, facts: Facts, zone: str) -> None:
    """Read `config/state`: when any part of the configuration (a line, a logic) was last changed."""
    found: list[datetime] = []
    waiting: list[object] = [body]
    while waiting:
        value = waiting.pop()
        item = as_object(value)
        if item is not None:
            waiting.extend(item.values())
            at = _moment(item.get("last_change"), zone)
            found.extend([at] if at else [])
        elif isinstance(value, list):
            waiting.extend(value)  # pyright: ignore[reportUnknownArgumentType]
    facts["config_changed_at"] = max(found, default=None)


def _alive(content: bytes, facts: Facts, zone: str) -> None:
    del zone
    facts.setdefault("sensor_time", text_of(read_count_data(content), "sensor-time"))


def _sensor_status(content: bytes, facts: Facts, zone: str) -> None:
    root = read_count_data(content)
    said = {(element, label): value for element, _, _, label, value in status_cells(root)}
    facts["serial"], facts["fw_version"] = said.get(("sensor", "serial-number"), ""), said.get(("version", "SW"), "")
    facts["product"], facts["device_name"] = said.get(("sensor", "device-type"), ""), said.get(("sensor", "name"), "")
    milliseconds = _measure(said.get(("sensor", "uptime")))  # firmware 5 counts seconds (two captures, both 12.5 fps)
    facts["uptime_sec"] = None if milliseconds is None else milliseconds / 1000
    facts["sensor_time"] = text_of(root, "sensor-time")
    facts["time_zone"] = said.get(("sensor", "timezone"), "")
    facts["frames_processed"] = whole(said.get(("sensor", "framenumber")))
    sufficient = said.get(("sensor", "sufficientIllumination"), "")
    facts["illumination"] = {"true": "SUFFICIENT", "false": "INSUFFICIENT"}.get(sufficient, "UNKNOWN")
    facts["state"] = "OK"
    facts["time_state"] = "ERROR" if said.get(("sensor", "is-critical")) == "true" else "OK"
    facts["config_changed_at"] = _moment(said.get(("sensor", "last-modified")), zone)


def _persistence(content: bytes, facts: Facts, zone: str) -> None:
    root = read_count_data(content)
    for fact, label, choose in (("oldest_record_at", "first-entry", min), ("newest_record_at", "last-entry", max)):
        times = [_moment((found.text or "").strip(), zone) for found in each(root, label)]
        facts[fact] = choose((at for at in times if at), default=None)


def _legacy_agents(content: bytes, facts: Facts, zone: str) -> None:
    """Read `/api/info/status`: from 3.5.3 on `push-agent`, before that `agent` (both seen in one client's history)."""
    root = read_count_data(content)
    agents = [*each(root, "push-agent")] or [*each(root, "agent")]
    facts["push_agent_count"] = len(agents)
    for fact, label in (
        ("push_last_successful_at", "last-successful"),
        ("push_last_failed_at", "last-unsuccessful"),
    ):
        times = [_moment((found.text or "").strip(), zone) for agent in agents for found in each(agent, label)]
        facts[fact] = max((at for at in times if at), default=None)


_PARTS: Mapping[str, Callable[[Object, Facts, str], None]] = {
    "device/info": _info,
    "device/state": _state,
    "device/id": _identity,
    "time/state": _time_state,
    "time": _time,
    "status": _scene,
    "data/history/status": _storage,
    "data/push/agents/status": _agents,
    "config/state": _config,
}
_LEGACY_PARTS: Mapping[str, Callable[[bytes, Facts, str], None]] = {
    "info/alive": _alive,
    "info/sensor-status": _sensor_status,
    "info/persistence": _persistence,
    "info/status": _legacy_agents,
}
V5_PARTS = tuple(_PARTS)
LEGACY_PARTS = tuple(_LEGACY_PARTS)


def _each(value: object) -> list[Object]:
    items: list[object] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
    return [item for item in map(as_object, items) if item is not None]


def _moment(value: object, zone: str) -> datetime | None:
    try:
        return instant(value, zone)
    except ValueError:
        return None


def _measure(value: object) -> float | None:
    try:
        return number(value, counts_people=False)
    except Unfit:
        return None
