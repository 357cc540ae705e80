"""Numbers and objects in the sensors' answers, judged one by one. Nothing here knows which document they are of."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from orchestration.sources.contract import Unreadable

Object = Mapping[str, Any]


class Unfit(ValueError):
    """A value that its place cannot hold; `reason` is the rejection's code, `position` where it stands if known."""

    def __init__(self, reason: str, value: object, position: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.value = "" if value is None else str(value)


def number(value: object, *, counts_people: bool) -> float:
    """Read a counter's value: numbers may be floats (dwell times are), people are whole and not negative.

    Raises Unfit with `blank_value`, `not_a_number`, `negative_count` or `not_whole`.
    """
    if value is None or value == "":
        raise Unfit("blank_value", value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unfit("not_a_number", value)
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise Unfit("not_a_number", value) from None
    if found != found or found in (float("inf"), float("-inf")):
        raise Unfit("not_a_number", value)
    if counts_people and found < 0:
        raise Unfit("negative_count", value)
    if counts_people and not found.is_integer():
        raise Unfit("not_whole", value)
    return found


def whole(value: object) -> int | None:
    """Read a whole number that may be missing; None for anything else."""
    try:
        return int(number(value, counts_people=True))
    except Unfit:
        return None


def text(value: object) -> str:
    """Return a scalar as text; empty for what is none."""
    return "" if value is None or isinstance(value, dict | list) else str(value)


def as_object(value: object) -> Object | None:
    """Return a JSON object, or None for anything else."""
    return cast("Object", value) if isinstance(value, dict) else None


def as_array(value: object, what: str) -> list[object]:
    """Return a JSON array. Raises Unreadable `unknown_envelope` for anything else."""
    if not isinstance(value, list):
        raise unknown_envelope(f"{what} is no array")
    return cast("list[object]", value)


def objects(value: object, what: str) -> list[Object]:
    """Return a JSON array of objects. Raises Unreadable `unknown_envelope` for anything else."""
    items = as_array(value, what)
    if not all(isinstance(item, dict) for item in items):
        raise unknown_envelope(f"{what} holds something else than objects")
    return cast("list[Object]", items)


def unknown_envelope(what: str) -> Unreadable:
    """Make the error for an answer of a shape nobody has described: quarantined until a parser knows it."""
    return Unreadable("unknown_envelope", what)


def refuse_error_answer(answer: Object) -> None:
    """Raise Unreadable `error_answer` where a body is the sensor's `{code, info, detail}` (documented)."""
    if "code" in answer and "info" in answer:
        raise Unreadable("error_answer", f"the sensor said {answer['code']}: {text(answer['info'])[:200]}")


def unknown_fields(where: str, found: Iterable[Object], known: frozenset[str]) -> list[str]:
    """List fields nobody has described, as `where.field`: they are ignored, but firmware drift shows in them."""
    seen: set[str] = set()
    for item in found:
        seen.update(item.keys())
    return [f"{where}.{name}" for name in sorted(seen - known)]
