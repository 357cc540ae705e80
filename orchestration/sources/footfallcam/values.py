"""Scalars of FootfallCam's answers, judged one by one: counts, times, texts. Numbers may come as numbers or as text.

Nothing here knows which interface an answer is of.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from orchestration.sources.contract import Unreadable

Object = Mapping[str, Any]
_LARGEST = 2**53


class Unfit(ValueError):
    """A value that its place cannot hold; `reason` is the rejection's code."""

    def __init__(self, column: str, value: object, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.value = text(value)[:200]
        self.reason = reason


def count(column: str, value: object) -> int:
    """Read a number of people. Raises Unfit: blank_value, not_a_number, not_whole, negative_count (a -1, say)."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Unfit(column, value, "blank_value")
    found: int | float
    if isinstance(value, str):
        said = value.strip()
        if not said.isascii() or len(said) > 24 or said.lower().strip("+-.0123456789"):
            raise Unfit(column, value, "not_a_number")
        try:
            found = int(said) if said.lstrip("+-").isdigit() else float(said)
        except ValueError:
            raise Unfit(column, value, "not_a_number") from None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = value
    else:
        raise Unfit(column, value, "not_a_number")
    if abs(found) > _LARGEST:
        raise Unfit(column, value, "not_a_number")
    if found != int(found):
        raise Unfit(column, value, "not_whole")
    if found < 0:
        raise Unfit(column, value, "negative_count")
    return int(found)


def local_time(column: str, value: object, formats: tuple[str, ...] = ()) -> datetime:
    """Read a time without offset: ISO 8601, or one of `formats`. Raises Unfit: blank_value, bad_timestamp."""
    if value is None or value == "":
        raise Unfit(column, value, "blank_value")
    said = text(value).strip()
    for pattern in formats:
        try:
            return datetime.strptime(said, pattern)  # noqa: DTZ007 - a clock on the wall
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(said) if not formats or "-" in said[4:5] else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or len(said) < 10:
        raise Unfit(column, value, "bad_timestamp")
    return found


def text(value: object) -> str:
    """Return a scalar as the answer has it; null is the empty text, objects and lists are JSON."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return "" if value is None else json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def as_object(value: object) -> Object | None:
    """Return a JSON object, or None for anything else."""
    return cast("Object", value) if isinstance(value, dict) else None


def as_objects(value: object, what: str) -> list[Object]:
    """Return a JSON array of objects. Raises Unreadable `unknown_shape` for anything else."""
    items = cast("list[Any]", value) if isinstance(value, list) else None
    if items is None or not all(isinstance(item, dict) for item in items):
        raise Unreadable("unknown_shape", f"{what} is no list of objects")
    return cast("list[Object]", items)


def error_in(answer: object) -> str:
    """Return what an answer of status 200 says went wrong (`error`, `message`: seen in practice); else empty."""
    found = as_object(answer)
    if found is None or not found.get("error"):
        return ""
    said = " ".join(part for part in (text(found["error"]), text(found.get("message"))) if part)
    return said[:300]
