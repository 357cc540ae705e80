"""`/api/v5` as the sensor's OpenAPI file describes it: bodies only. Field names are those of releases 5.3 to 5.6."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from emulators.xovis.sensors import MINUTE, EmulatedLogic, EmulatedSensor

Body = dict[str, Any]
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def milliseconds(moment: datetime) -> int:
    """Return epoch milliseconds."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_query(sensor: EmulatedSensor, text: str | None, default: int) -> datetime:
    """Read `begin` or `end`: epoch ms, negative relative to now; 0 is the start of data (`begin`) or now (`end`)."""
    value = default if text is None else int(text)
    return EPOCH + timedelta(milliseconds=value) if value > 0 else sensor.clock + timedelta(milliseconds=value)


def written(sensor: EmulatedSensor, moment: datetime, asked: str) -> int | str:
    """Write a time in the format asked for, or in the one this sensor insists on."""
    form = sensor.time_format or asked or "UNIX_TIME_MS"
    if form == "RFC3339":
        return (moment + sensor.zone_offset).replace(tzinfo=None).isoformat() + offset_text(sensor.zone_offset)
    return milliseconds(moment) // (1000 if form == "UNIX_TIME_S" else 1)


def abbreviated(sensor: EmulatedSensor, moment: datetime) -> str:
    """Write a time as `data/history/status` does: local, with a zone abbreviation."""
    local = (moment + sensor.zone_offset).replace(tzinfo=None)
    return f"{local.isoformat(' ', 'milliseconds').replace(' ', 'T')} {sensor.zone_abbreviation}"


def offset_text(offset: timedelta) -> str:
    """Write an offset as RFC 3339 does."""
    minutes = int(offset.total_seconds()) // 60
    return f"{'+' if minutes >= 0 else '-'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _counters(logic: EmulatedLogic) -> list[tuple[int, str]]:
    return [(logic.id * 1000 + place, name) for place, name in enumerate(logic.counter_names, 1)]


def history(sensor: EmulatedSensor, query: Mapping[str, str]) -> Body:
    """Answer `data/history/logics`: bins of `resolution_min`, with how many records each was made of."""
    default = 0 if sensor.scene.startswith("multisensors") else -86_400_000
    begin = from_query(sensor, query.get("begin"), default) if query.get("begin") != "0" else EPOCH
    end = from_query(sensor, query.get("end"), 0)
    if end < begin:
        return error(11200, "Time format error", "end lies before begin")
    form = query.get("time_format", "UNIX_TIME_MS")
    width = int(query.get("resolution_min", "0")) or 15
    span = timedelta(minutes=width)
    held = sensor.records(begin, end + (span if sensor.includes_end else timedelta()))
    bins: dict[datetime, list[datetime]] = {}
    for minute in held:
        start = begin + (sensor.stamped(minute) - begin) // span * span
        bins.setdefault(start, []).append(minute)
    with_data = [sensor.stamped(minute) for minute in held]
    body: Body = {
        "begin": written(sensor, begin, form),
        "end": written(sensor, end, form),
        "begin_data": written(sensor, min(with_data, default=begin), form),
        "end_data": written(sensor, max(with_data, default=begin - MINUTE) + MINUTE, form),
        "index_begin": 5120,
        "index_end": 5120 + len(held),
        "resolution_ms": width * 60_000,
        "number_of_bins": len(bins),
        "number_of_bins_requested": int(query.get("number_of_bins", "0")),
        "config": _config(sensor),
        "measurements": [
            {
                "begin": written(sensor, start, form),
                "end": written(sensor, min(start + span, max(end, start + MINUTE)), form),
                "records": len(minutes),
                "counts": [
                    {"id": counter, "value": sum(logic.minutes[minute][way] for minute in minutes)}
                    for logic in sensor.logics
                    for way, (counter, _) in enumerate(_counters(logic))
                ],
            }
            for start, minutes in sorted(bins.items())
        ],
    }
    if sensor.firmware.startswith("5.9"):
        body["histogram_support"] = True
    return body


def _config(sensor: EmulatedSensor) -> Body:
    return {
        "logics": [
            {"id": logic.id, "name": logic.name, "optional_data": "", "geometries": [logic.id]}
            for logic in sensor.logics
        ],
        "counts": [
            {"id": counter, "logic_id": logic.id, "name": name, "type": "accumulation"}
            for logic in sensor.logics
            for counter, name in _counters(logic)
        ],
        "geometries": [{"id": logic.id, "name": f"Line {logic.id}", "type": "LINE"} for logic in sensor.logics],
    }  # fmt: skip


def live(sensor: EmulatedSensor, query: Mapping[str, str]) -> Body:
    """Answer `data/live/logics`: values since the last reset."""
    del query
    local = (sensor.clock + sensor.zone_offset).replace(tzinfo=None)
    logics: list[Body] = [
        {
            "id": logic.id,
            "name": logic.name,
            "info": logic.info,
            "geometries": [{"id": logic.id, "type": "LINE", "name": f"Line {logic.id}"}],
            "counts": [
                {"id": counter, "name": name, "value": value}
                for (counter, name), value in zip(_counters(logic), sensor.cumulative(logic), strict=True)
            ],
        }
        for logic in sensor.logics
    ]
    logics.append(
        {"id": 1999, "name": "Till zone", "info": "XLT_ZONE_OCCUPANCY_COUNT", "geometries": [],
         "counts": [{"id": 1999001, "name": "balance", "value": 2},
                    {"id": 1999003, "name": "dwell_time", "value": 83.646, "unit": "seconds"}]}
    )  # fmt: skip
    if sensor.firmware.startswith("5.9"):
        logics[0]["heat"] = "new"
    return {"time": local.isoformat(timespec="milliseconds") + offset_text(sensor.zone_offset), "logics": logics}


def status_documents(sensor: EmulatedSensor) -> Mapping[str, Callable[[], Body]]:
    """Answer the health documents, by their path below `/api/v5` (those of the scene below the scene)."""
    return {
        "device/info": lambda: {
            "serial": sensor.serial, "fw_version": sensor.firmware, "prod_code": "PC2SE", "type": "SENSOR",
            "variant": "", "hw_version": "5",
        },
        "device/state": lambda: {
            "state": sensor.state,
            "details": {"uptime_sec": sensor.uptime_seconds, "temperatures": {"die": 49.0, "housing": 46.0}},
        },
        "device/id": lambda: {"name": "S01", "group": ""},
        "time/state": lambda: {
            "state": "OK", "details": {"time": live(sensor, {})["time"], "tz_offset_sec": sensor.zone_offset.seconds},
            "sources": [{"state": "OK"}], "last_downtime_sec": 12,
        },
        "time": lambda: {"time_zone": sensor.zone, "ntp_enabled": True},
        "status": lambda: {"frames_processed": sensor.frames, "illumination": "SUFFICIENT"},
        "data/history/status": lambda: _storage(sensor),
        "data/push/agents/status": lambda: _agents(sensor),
        "config/state": lambda: {"states": [{"url": "/logics", "checksum": "ab", "last_change": 1765000000000}]},
    }  # fmt: skip


def _storage(sensor: EmulatedSensor) -> Body:
    held = sensor.records(EPOCH, sensor.clock + MINUTE)
    first, last = (held[0], held[-1] + MINUTE) if held else (sensor.clock, sensor.clock)
    counts: list[Body] = [{"id": 1, "logic_id": 1, "name": "fw", "last_stored_total_value": 0}]
    if sensor.resets:
        counts[0]["reset_time"] = abbreviated(sensor, sensor.resets[-1])
    stored = {
        "counts": counts,
        "number_of_count_records": len(held),
        "time_begin": abbreviated(sensor, sensor.stamped(first)),
        "time_end": abbreviated(sensor, sensor.stamped(last)),
    }
    return {"storage": {"capacity": {"count_records": 218453}, "stored_data": stored}}


def _agents(sensor: EmulatedSensor) -> Body:
    success = {"time": abbreviated(sensor, sensor.clock - MINUTE), "reason": {"code": 204, "info": "No Content"}}
    failed = {"time": abbreviated(sensor, sensor.clock - timedelta(days=3)), "reason": {"code": 7, "info": "refused"}}
    package = {"no_of_sent": 861, "no_of_dropped": sensor.dropped_packages}
    transmit = {"last_successful": success, "last_failed": failed}
    return {"agent_states": [{"id": 1, "name": "Push", "package_info": package, "transmit_info": transmit}]}


def error(code: int, info: str, *detail: str) -> Body:
    """Make the sensor's own error body."""
    return {"code": code, "info": info, "detail": list(detail)}
