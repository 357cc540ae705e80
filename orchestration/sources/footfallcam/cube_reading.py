"""Cube's answers and the list of sites as rows.

Both envelopes were seen in practice: `{"data": […]}`, and `{"results": [{"data": […]}]}` for `queryType` multi. Row
keys are `cube.member`; numbers come as text. What codes such as A01 mean is the vendor's appendix C (A01 in, A02 out).
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from orchestration.sources.contract import Landed, Unreadable
from orchestration.sources.footfallcam.settings import CubeSettings
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

CONTINUE_WAIT = "Continue wait"
_ID_KEYS = ("BranchId", "SiteId")  # documented: "gives BranchId"; the other word is Cube's


def page_rows(page: object) -> list[Object]:
    """List the rows of an answer, whichever envelope. Raises Unreadable: continue_wait, error_answer, unknown_shape."""
    found = as_object(page)
    if found is None:
        raise Unreadable("unknown_shape", "the answer is no object")
    if "error" in found:
        said = text(found["error"])
        reason = "continue_wait" if said == CONTINUE_WAIT else "error_answer"
        raise Unreadable(reason, f"Cube said: {said[:300]}")
    if "data" in found:
        return as_objects(found["data"], "data")
    if "results" in found:
        rows: list[Object] = []
        for result in as_objects(found["results"], "results"):
            if "data" not in result:
                raise Unreadable("unknown_shape", "a result has no data")
            rows += as_objects(result["data"], "data")
        return rows
    raise Unreadable("unknown_shape", f"an object with the keys {', '.join(sorted(found))[:200] or '(none)'}")


def read_cube(item: Landed, settings: CubeSettings) -> Read:
    """Read an answer, or a list of them, into the CUBE layout. Raises Unreadable."""
    body = read_json(item.payload.content)
    pages = cast("list[Any]", body) if isinstance(body, list) else [body]
    rows = [row for page in pages for row in page_rows(page)]
    read = Read()
    asked = item.payload.business_date
    for position, row in enumerate(rows, 1):
        start: datetime | None = None
        try:
            label, start = _start(row, settings)
            if asked is not None and start.date() != asked:
                raise Unfit(settings.time_dimension, label, "outside_request")
            values = _row(row, label, start, settings)
        except Unfit as error:
            day = asked or (start.date() if start else item.payload.received_at.date())
            read.rejections.append(
                Rejection(position, error.column, error.value, error.reason, _json(row)[:2000], day, start)
            )
            continue
        read.rows.append(values)
        read.days.append(start.date())
    return read


def _start(row: Object, settings: CubeSettings) -> tuple[str, datetime]:
    """Read the start: `….Time.hour` where it is there, else `….Time` (both were seen)."""
    name = f"{settings.cube}.{settings.time_dimension}"
    label = row.get(f"{name}.{settings.granularity}") or row.get(name)
    start = local_time(settings.time_dimension, label)
    if (start - datetime.combine(start.date(), datetime.min.time())) % timedelta(minutes=settings.grain_minutes):
        raise Unfit(settings.time_dimension, label, "off_grid")
    return text(label), start


def _row(row: Object, label: str, start: datetime, settings: CubeSettings) -> tuple[object, ...]:
    def member(name: str) -> object:
        return row.get(f"{settings.cube}.{name}")

    site = text(member(settings.site_id)).strip()
    if not site:
        raise Unfit(settings.site_id, member(settings.site_id), "blank_value")
    return (
        "",
        settings.cube,
        site,
        text(member(settings.site_code)),
        text(member(settings.site_name)),
        label,
        count(settings.entry_measure, member(settings.entry_measure)),
        count(settings.exit_measure, member(settings.exit_measure)),
        _json(row),
        settings.grain_minutes,
        start,
        settings.row_timezone,
        settings.dense,
    )


def read_sites(item: Landed) -> Read:
    """Read a list of sites, bare or under one key, into the SITES layout (inferred: the body is not public)."""
    body = read_json(item.payload.content)
    if said := error_in(body):
        raise Unreadable("error_answer", f"the portal said: {said}")
    found = as_object(body)
    lists: list[object] = (
        [value for value in found.values() if isinstance(value, list)] if found is not None else [body]
    )
    if len(lists) != 1:
        raise Unreadable("unknown_shape", "the answer holds not exactly one list")
    sites: Sequence[Object] = as_objects(lists[0], "the list of sites")
    read = Read()
    day = item.payload.business_date or item.payload.received_at.date()
    for position, site in enumerate(sites, 1):
        key = next((text(site[name]).strip() for name in _ID_KEYS if name in site), "")
        if key:
            read.rows.append(("", key, _json(site)))
            read.days.append(day)
        else:
            read.rejections.append(Rejection(position, _ID_KEYS[0], "", "blank_value", _json(site)[:2000], day))
    return read


def _json(row: Object) -> str:
    return json.dumps(row, ensure_ascii=True, sort_keys=True)
