"""The times that sensors write, as UTC, and the business days of a zone. Nothing here reads a clock.

Firmware 5 answers in epoch milliseconds, epoch seconds or RFC 3339 by setting (documented); its status examples carry a
zone abbreviation instead of an offset (`2021-03-05T13:43:22.946 CET`, documented); older firmware writes ISO 8601.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MILLISECONDS_FROM = 1e11  # as seconds this would be the year 5138, as milliseconds it is 1973
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABBREVIATED = re.compile(r"(.*\d)\s*([A-Za-z]{1,5})")
_OFFSETS = {  # minutes; only abbreviations with one meaning. IST, CST, BST and the like need the sensor's own zone
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180, "MSK": 180,
}  # fmt: skip


def instant(value: object, zone: str = "UTC") -> datetime:
    """Read a time as UTC. `zone` tells what an abbreviation means there.

    Raises ValueError for anything else, a time without offset included: which hour it means would be a guess.
    """
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{value!r} is no time")
    if isinstance(value, int | float):
        return _from_epoch(value)
    text = str(value).strip()
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return _from_epoch(float(text) if "." in text else int(text))
    match = _ABBREVIATED.fullmatch(text)
    if match and match[2] != "T":
        return _abbreviated(datetime.fromisoformat(match[1]), match[2], zone)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return found.astimezone(UTC)


def microseconds(value: object) -> int:
    """Read a time as epoch microseconds. Raises ValueError like `instant`; whole numbers, the usual case, are quick."""
    if type(value) is int:
        return value * (1000 if abs(value) >= _MILLISECONDS_FROM else 1_000_000)
    moment = value if isinstance(value, datetime) else instant(value)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """Return the instant of epoch microseconds. Raises ValueError beyond the calendar."""
    try:
        return _EPOCH + timedelta(microseconds=value)
    except OverflowError as error:
        raise ValueError(f"{value} is no time") from error


def _from_epoch(value: float) -> datetime:
    try:
        seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise ValueError(f"{value!r} is no time") from error


def _abbreviated(local: datetime, abbreviation: str, zone: str) -> datetime:
    for fold in (0, 1):
        there = local.replace(tzinfo=ZoneInfo(zone), fold=fold)
        if there.tzname() == abbreviation:
            return there.astimezone(UTC)
    if abbreviation.upper() not in _OFFSETS:
        raise ValueError(f"the zone abbreviation {abbreviation!r} can mean several offsets")
    return local.replace(tzinfo=timezone(timedelta(minutes=_OFFSETS[abbreviation.upper()]))).astimezone(UTC)


def is_zone(name: str) -> bool:
    """Tell whether a zone of this name exists."""
    try:
        return bool(name) and bool(ZoneInfo(name).key)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False


def milliseconds(moment: datetime) -> int:
    """Return epoch milliseconds, exactly."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=4096)
def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return when a local calendar day begins and ends, in UTC: 23 or 25 hours apart on days of a clock change."""
    first, last = (
        datetime.combine(day + timedelta(days=step), time(), ZoneInfo(zone)).astimezone(UTC) for step in (0, 1)
    )
    return first, last


def local_day(moment: datetime, zone: str) -> date:
    """Return the local calendar day of an instant."""
    return moment.astimezone(ZoneInfo(zone)).date()


def local_time(moment: datetime, zone: str) -> datetime:
    """Return what a clock on the wall shows, without offset."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
