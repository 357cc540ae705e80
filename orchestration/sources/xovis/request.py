"""What was asked, written into a payload's name and read back from it, so that parsing needs nothing but the payload.

`GET https://10.0.0.5/api/v5/…?begin=…&end=…#Europe/Athens`: the part after `#` was never sent. It is the zone of the
business day, for readings followed by `@` and the moment they were taken.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from urllib.parse import parse_qs, urlencode, urlsplit

from orchestration.sources.contract import Payload
from orchestration.sources.xovis.times import day_bounds, instant, is_zone, local_day, local_time

CLOSES_WITHIN = timedelta(hours=1)
_IN_HAND = re.compile(r"(?P<device>.+?)(?:_(?P<date>\d{4}-\d{2}-\d{2}))?\.(?:json|xml)", re.IGNORECASE)


def name_request(url: str, params: Mapping[str, str | int], zone: str, taken_at: datetime | None = None) -> str:
    """Name a question without any secret; with `taken_at`, so that no two readings have one name."""
    query = f"?{urlencode(params)}" if params else ""
    moment = f"@{taken_at.astimezone(UTC).isoformat(timespec='milliseconds')}" if taken_at else ""
    return f"GET {url}{query}#{zone}{moment}"


def name_in_hand(name: str) -> tuple[str, date | None]:
    """Read device and business day from a file's name: `DEVICE_2026-03-01.json`, the date optional.

    A MAC may be written with dashes or underscores, because a file's name can hold no colons everywhere.
    """
    match = _IN_HAND.fullmatch(name.rpartition("/")[2])
    if match is None:
        return "", None
    device = match["device"]
    mac = re.match(r"(?:[0-9A-Fa-f]{2}[-_]){5}[0-9A-Fa-f]{2}", device)
    if mac:
        device = re.sub("[-_]", ":", mac.group()) + device[mac.end() :]
    try:
        return device, date.fromisoformat(match["date"]) if match["date"] else None
    except ValueError:
        return device, None


@dataclass(frozen=True)
class Requested:
    """The question behind a payload: the range asked for (None where it is a file in hand) and the zone of its days."""

    begin: datetime | None
    end: datetime | None
    zone: str
    path: str
    business_date: date | None

    @classmethod
    def of(cls, payload: Payload, default_zone: str) -> "Requested":
        """Read it from a payload; whatever its name does not say is None or the default."""
        begin = end = None
        zone, path = default_zone, ""
        if payload.name.startswith("GET "):
            parts = urlsplit(payload.name.removeprefix("GET "))
            found = parts.fragment.partition("@")[0]
            zone = found if is_zone(found) else default_zone
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            path = parts.path
            begin = _moment(query.get("begin", query.get("from")))
            end = _moment(query.get("end", query.get("to")))
        return cls(begin, end, zone, path, payload.business_date)

    def day_of(self, moment: datetime) -> date:
        """Return the business day of an instant."""
        quarter = int(moment.timestamp()) // 900  # all offsets are whole quarters of an hour
        found = self._days.get(quarter)
        if found is None:
            found = self._days[quarter] = local_day(moment, self.zone)
        return found

    def days_of_reading(self, moment: datetime) -> Iterator[tuple[date, bool]]:
        """List the business days a cumulative reading is for, each with whether it closes that day.

        The first readings after midnight close the day before as well: what was counted since its last reading would
        belong to no day otherwise.
        """
        day = self.day_of(moment)
        yield day, False
        if moment - day_bounds(day, self.zone)[0] <= CLOSES_WITHIN:
            yield day - timedelta(days=1), True

    def local(self, moment: datetime) -> datetime:
        """Return what a clock on the wall shows there."""
        return local_time(moment, self.zone)

    @cached_property
    def _days(self) -> dict[int, date]:
        if self.business_date is None or self.begin is None or self.end is None:
            return {}
        first, last = local_day(self.begin, self.zone), local_day(self.end - timedelta(seconds=1), self.zone)
        if first != last:
            return {}
        return dict.fromkeys(range(int(self.begin.timestamp()) // 900, -(-int(self.end.timestamp()) // 900)), first)


def _moment(text: str | None) -> datetime | None:
    try:
        return instant(text) if text else None
    except ValueError:
        return None
