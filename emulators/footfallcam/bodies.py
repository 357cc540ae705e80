"""The bodies of apiCount.cgi in the three inferred shapes, as JSON or XML; and one that nobody should understand."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

Interval = tuple[datetime, tuple[int, int]]
SHAPES = ("flat", "wrapped", "typed")


def rows(intervals: Sequence[Interval], *, as_text: bool, clock: str) -> list[dict[str, Any]]:
    """Write intervals in the vendor's words."""
    kind = str if as_text else int
    return [
        {"Timestamp": start.strftime(clock), "ValueIn": kind(entry), "ValueOut": kind(leave)}
        for start, (entry, leave) in intervals
    ]


def body(found: list[dict[str, Any]], shape: str, data_type: str, delta: int) -> bytes:
    """Write rows in a shape; `unknown` is none of ours."""
    write = _xml if data_type == "xml" else _json
    return write(found, shape, delta).encode()


def _json(found: list[dict[str, Any]], shape: str, delta: int) -> str:
    if shape == "flat":
        return json.dumps(found)
    if shape == "wrapped":
        return json.dumps({"Data": found})
    if shape == "typed":
        return json.dumps({"countsets": [_set(row, delta) for row in found]})
    return json.dumps({"result": {"total": len(found)}})


def _set(row: dict[str, Any], delta: int) -> dict[str, Any]:
    counts = [{"type": 3, "value": row["ValueIn"]}, {"type": 4, "value": row["ValueOut"]}]
    return {"name": "Company - Counter", "start": row["Timestamp"], "delta": delta, "counts": counts}


def _xml(found: list[dict[str, Any]], shape: str, delta: int) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    if shape == "typed":
        sets = "".join(
            f'<countset name="Company - Counter" start="{row["Timestamp"]}" delta="{delta}">'
            f'<count type="3">{row["ValueIn"]}</count><count type="4">{row["ValueOut"]}</count></countset>'
            for row in found
        )
        return f"{head}<countsets>{sets}</countsets>"
    if shape not in SHAPES:
        return f"{head}<result><total>{len(found)}</total></result>"
    root = "Data" if shape == "wrapped" else "Counts"
    written = "".join(
        "<Count>" + "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in row.items()) + "</Count>"
        for row in found
    )
    return f"{head}<{root}>{written}</{root}>"
