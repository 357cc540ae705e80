"""The export's answers as rows: the 39 keys of one public recording, all of them kept as they are.

Their names are seen in practice; types, the two status vocabularies, and that times are local starts, are not known.
"""

import json
from datetime import datetime

from orchestration.sources.contract import Landed, Unreadable
from orchestration.sources.footfallcam.export_url import row_formats
from orchestration.sources.footfallcam.layouts import COUNTED, EXPORT, KEYS
from orchestration.sources.footfallcam.settings import ExportSettings
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


def read_export(item: Landed, settings: ExportSettings) -> Read:
    """Read an answer into the EXPORT layout. Raises Unreadable; a row that cannot be counted is a rejection."""
    rows = _data(item.payload.content)
    _check_keys(rows, settings)
    formats = row_formats(item.payload.name)
    asked = item.payload.business_date
    read = Read()
    for position, row in enumerate(rows, 1):
        start: datetime | None = None
        try:
            start = local_time("ValueDateTime", row.get("ValueDateTime"), formats)
            if asked is not None and start.date() != asked:
                raise Unfit("ValueDateTime", row["ValueDateTime"], "outside_request")
            _check_grid(row, start, settings)
            values = _row(row, start, settings)
        except Unfit as error:
            day = asked or (start.date() if start else item.payload.received_at.date())
            line = json.dumps(row, ensure_ascii=True)[:2000]
            read.rejections.append(Rejection(position, error.column, error.value, error.reason, line, day, start))
            continue
        read.rows.append(values)
        read.days.append(start.date())
    if unknown := sorted({key for row in rows for key in row} - set(KEYS)):
        read.notes.append(f"unknown keys: {', '.join(unknown)[:200]}")
    _check_hours(read, settings)
    return read


def _data(content: bytes) -> list[Object]:
    body = read_json(content)
    if said := error_in(body):
        raise Unreadable("error_answer", f"the portal said: {said}")
    found = as_object(body)
    if found is None or "Data" not in found:
        raise Unreadable("unknown_shape", "the answer is no object with Data")
    return as_objects(found["Data"], "Data")


def _check_keys(rows: list[Object], settings: ExportSettings) -> None:
    """Refuse an answer that has lost a column: a zero or blank in its place would be believed."""
    wanted = set(KEYS) - set(settings.optional_keys)
    if missing := sorted({key for row in rows for key in wanted - row.keys()}):
        raise Unreadable(
            "missing_keys", f"rows without {', '.join(missing)}; name them in optional_keys if they are gone for good"
        )


def _check_grid(row: Object, start: datetime, settings: ExportSettings) -> None:
    is_on_grid = not (start.minute or start.second) and (settings.time_aggregation == "hourly" or not start.hour)
    if not is_on_grid:
        raise Unfit("ValueDateTime", row["ValueDateTime"], "off_grid")


def _check_hours(read: Read, settings: ExportSettings) -> None:
    """Refuse days that are declared as hours: they would all be counted as the hour from midnight."""
    place = EXPORT.get_field_index("interval_start_local")
    if settings.time_aggregation == "hourly" and read.rows and all(row[place].hour == 0 for row in read.rows):
        raise Unreadable("looks_daily", "every row is of midnight, but time_aggregation says hourly")


def _row(row: Object, start: datetime, settings: ExportSettings) -> tuple[object, ...]:
    is_site = settings.is_branch_report
    key = "BranchId" if is_site else settings.device_key
    named = text(row.get(key)).strip()
    if not named:
        raise Unfit(key, row.get(key), "blank_value")
    values = [count(name, row.get(name)) if name in COUNTED else text(row.get(name)) for name in KEYS]
    unknown = {name: value for name, value in row.items() if name not in KEYS}
    return (
        "" if is_site else named,
        *values,
        json.dumps(unknown, ensure_ascii=True, sort_keys=True) if unknown else "",
        settings.data_aggregation,
        settings.grain_minutes,
        _is_final(row, settings),
        start,
        settings.row_timezone,
        settings.dense,
    )


def _is_final(row: Object, settings: ExportSettings) -> bool | None:
    """Tell whether both status columns say so; None while nobody has declared which words do."""
    if not settings.complete_status:
        return None
    return all(text(row.get(name)) in settings.complete_status for name in ("AggregationStatus", "VerificationStatus"))
