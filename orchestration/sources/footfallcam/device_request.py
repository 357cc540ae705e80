"""Questions to a counter: the parameters of apiCount.cgi, built and read back. Values only, nothing is sent here.

Parameters, their values and the three sample addresses are documented (export guide, "Retrieve Data via API from
device"). That a time range holds for each day of a date range is inferred; fetches ask one day at a time anyway.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qs, urlencode
from zoneinfo import ZoneInfo

from orchestration.sources.contract import Asked, Device, Payload
from orchestration.sources.footfallcam.settings import DeviceSettings
from orchestration.sources.http.masking import HIDDEN

TOKEN_PATH = "cgi-bin/access_token.cgi"  # noqa: S105 - an address
COUNT_PATH = "cgi-bin/apiCount.cgi"  # as in the guide's three samples
COUNT_PATH_AS_IN_TEMPLATE = "cgi-bin/apiCount_cgi"
RESOLUTIONS = (1, 5, 10, 15, 30, 60)
_CLOCK_MARK = "#device_clock="
_IN_HAND = re.compile(r"(?P<device>.+?)_(?P<date>\d{4}-?\d{2}-?\d{2})\.(?:json|xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CountQuery:
    """One question: format, bucket size in the format's own unit, days (both included), and times of day."""

    data_type: str
    data_format: str
    resolution: int
    first: date
    last: date
    time_start: time | None = None
    time_end: time | None = None

    def __post_init__(self) -> None:
        if self.data_type not in ("json", "xml"):
            raise ValueError(f"data type {self.data_type!r} is neither json nor xml")
        if self.data_format not in ("hour", "minute", "second"):
            raise ValueError(f"data format {self.data_format!r} is none of hour, minute and second")
        if self.data_format != "hour" and self.resolution not in RESOLUTIONS:
            raise ValueError(f"a resolution of {self.resolution} is none of {', '.join(map(str, RESOLUTIONS))}")
        if self.first > self.last:
            raise ValueError("the first day lies after the last")

    @property
    def interval_seconds(self) -> int:
        """The length of a bucket."""
        return {"hour": 3600, "minute": 60 * self.resolution, "second": self.resolution}[self.data_format]

    @property
    def params(self) -> dict[str, str | int]:
        """The parameters in the order of the guide's samples, without the token."""
        found: dict[str, str | int] = {"data_type": self.data_type, "data_format": self.data_format}
        if self.data_format == "minute":
            found["resolution_min"] = self.resolution
        elif self.data_format == "second":
            found["resolution_sec"] = self.resolution
        found |= {"date_start": f"{self.first:%Y%m%d}", "date_end": f"{self.last:%Y%m%d}"}
        if self.time_start is not None:
            found["time_start"] = f"{self.time_start:%H%M%S}"
        if self.time_end is not None:
            found["time_end"] = f"{self.time_end:%H%M%S}"
        return found


def count_address(base_url: str, query: CountQuery, path: str = COUNT_PATH) -> str:
    """Return the whole address, its token masked."""
    return f"{base_url}/{path}?{urlencode(query.params)}&access_token={HIDDEN}"


def token_address(base_url: str, user: str) -> str:
    """Return the address that gives a token, its password masked."""
    return f"{base_url}/{TOKEN_PATH}?{urlencode({'username': user})}&password={HIDDEN}"


@dataclass(frozen=True, slots=True)
class Target:
    """A counter to ask once, however many of its lines are placed."""

    device_id: str
    base_url: str
    timezone: str


def base_url(address: str) -> str:
    """Make a base address of what counters.csv says; a bare IP is http, all that counters are documented to speak."""
    written = address.strip()
    return (written if "://" in written else f"http://{written}").rstrip("/")


def targets(devices: list[Device], settings: DeviceSettings) -> list[Target]:
    """List each counter with an address once, in the order of counters.csv."""
    found: dict[tuple[str, str], Target] = {}
    for device in devices:
        if device.address.strip() and (not settings.devices or device.device_id in settings.devices):
            target = Target(
                device.device_id, base_url(device.address), settings.row_timezone or device.timezone or "UTC"
            )
            found.setdefault((target.device_id, target.base_url), target)
    return list(found.values())


def day_queries(settings: DeviceSettings, asked: Asked, zone: str) -> Iterator[CountQuery]:
    """List the questions of a fetch, one a day: days that are over, and with `include_today` its hours that are."""
    now = asked.now().astimezone(ZoneInfo(zone))
    today = now.date()
    newest = today if settings.include_today else today - timedelta(days=1)
    first = asked.window.first if asked.window else today - timedelta(days=max(1, settings.restates_days))
    last = min(asked.window.last, newest) if asked.window else newest
    for step in range((last - first).days + 1):
        day = first + timedelta(days=step)
        if day < today:
            yield _day_query(settings, day)
        elif now.hour > 0:
            # whether the end is included is not documented: a second before the full hour is right either way
            yield _day_query(settings, day, time(0), time(now.hour - 1, 59, 59))


def _day_query(
    settings: DeviceSettings, day: date, time_start: time | None = None, time_end: time | None = None
) -> CountQuery:
    resolution = {"hour": 60, "minute": settings.resolution_min, "second": settings.resolution_sec}
    return CountQuery(
        settings.data_type, settings.data_format, resolution[settings.data_format], day, day, time_start, time_end
    )


def whole_day_intervals(query: CountQuery, zone: str) -> int:
    """Return how many buckets a local day has: 23 or 25 hours of them when clocks change."""
    begin, end = (
        datetime.combine(query.first + timedelta(days=step), time(), ZoneInfo(zone)).astimezone(UTC) for step in (0, 1)
    )
    return int((end - begin).total_seconds()) // query.interval_seconds


def request_name(address: str, clock_ahead_seconds: float = 0.0) -> str:
    """Name a payload: its address, the token masked; and, where the counter's clock was wrong, by how much."""
    return address + (f"{_CLOCK_MARK}{clock_ahead_seconds:+.0f}" if clock_ahead_seconds else "")


@dataclass(frozen=True, slots=True)
class Requested:
    """The question behind a payload, read back from its name; a file in hand is as the feed's table has it."""

    data_type: str
    data_format: str
    interval_seconds: int
    clock_ahead_seconds: float
    business_date: date | None

    @classmethod
    def of(cls, payload: Payload, settings: DeviceSettings) -> "Requested":
        """Read it. Whatever the name does not say is the table's."""
        address, _, ahead = payload.name.partition(_CLOCK_MARK)
        said = {key: values[-1] for key, values in parse_qs(address.partition("?")[2]).items()}
        data_format = said.get("data_format", settings.data_format)
        size = said.get("resolution_min") or said.get("resolution_sec") or ""
        seconds = settings.interval_seconds if data_format == settings.data_format else 3600
        if data_format in ("minute", "second") and size.isdecimal():
            seconds = int(size) * (60 if data_format == "minute" else 1)
        start = payload.content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
        data_type = said.get("data_type", "xml" if start.startswith(b"<") else "json")
        return cls(data_type, data_format, seconds, float(ahead or 0), payload.business_date)


def named_in_hand(name: str) -> tuple[str, date | None]:
    """Read device and business day from a saved answer's name: `DEVICE_2026-03-01.json`."""
    match = _IN_HAND.fullmatch(name.rpartition("/")[2])
    if match is None:
        return "", None
    try:
        return match["device"], date.fromisoformat(match["date"])
    except ValueError:
        return "", None


def without_address(settings: DeviceSettings, devices: list[Device]) -> list[str]:
    """List the counters that the table names and counters.csv gives no address."""
    addressed = {device.device_id for device in devices if device.address.strip()}
    return [name for name in settings.devices if name not in addressed]
