"""What each interface asks of one sensor: jobs that end in payloads and failures. Answers are read elsewhere."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from orchestration.sources.contract import (
    Asked,
    Channel,
    Failure,
    Payload,
    Refused,
    SourceError,
    Throttled,
    Unreachable,
    Unreadable,
)
from orchestration.sources.http import read_json
from orchestration.sources.xovis.address import LEGACY
from orchestration.sources.xovis.history import covered_minutes
from orchestration.sources.xovis.request import name_request
from orchestration.sources.xovis.sensor import NoData, Sensor
from orchestration.sources.xovis.settings import LEGACY_DOCUMENTS, XovisSettings
from orchestration.sources.xovis.status import LEGACY_PARTS, V5_PARTS, bundle
from orchestration.sources.xovis.times import day_bounds, instant, local_day, milliseconds
from orchestration.sources.xovis.values import Unfit, as_object, text

COMPLETE = "ignored_complete"  # a note to the next fetch, not a fault: this sensor's day need not be asked again
_HOPELESS = (Unreachable, Refused, Throttled)  # what is asked next of the same sensor would fail the same way


@dataclass(slots=True)
class Talk:
    """One sensor's conversation in one fetch, and what it has brought so far."""

    feed: str
    settings: XovisSettings
    asked: Asked
    sensor: Sensor
    found: list[Payload | Failure] = field(default_factory=list[Payload | Failure])

    @property
    def zone(self) -> str:
        """The zone of its business days."""
        return self.sensor.target.timezone

    @property
    def root(self) -> str:
        """Where its counters are: the scene in `/api/v5`."""
        return f"api/v5/{self.sensor.target.address.context}"

    def bring(self, name: str, content: bytes, day: date | None = None) -> None:
        """Keep an answer."""
        self.found.append(
            Payload(
                feed=self.feed,
                source="xovis",
                name=name,
                content=content,
                received_at=self.asked.now(),
                channel=Channel.API,
                device_id=self.sensor.target.device_id,
                business_date=day,
            )
        )

    def fail(self, reason: str, message: str, name: str = "", day: date | None = None) -> None:
        """Keep why something could not be had."""
        self.found.append(Failure(self.feed, reason, message, name, self.sensor.target.device_id, day))

    def name(self, path: str, params: dict[str, str | int] | None = None, *, is_reading: bool = False) -> str:
        """Name a question of this sensor."""
        return name_request(
            f"{self.sensor.base_url}/{path}", params or {}, self.zone, self.asked.now() if is_reading else None
        )

    def days(self) -> Iterator[date]:
        """List the business days asked for that have begun: the window's, else today and `restates_days` before it."""
        today = local_day(self.asked.now(), self.zone)
        window = self.asked.window
        first = window.first if window else today - timedelta(days=self.settings.restates_days)
        last = min(window.last, today) if window else today
        for step in range((last - first).days + 1):
            yield first + timedelta(days=step)


Ask = Callable[[Talk], Awaitable[None]]


async def ask_history(talk: Talk) -> None:
    """Ask the sensor's database day by day, up to the last full minute its own clock has seen.

    The end is the sensor's time and not ours: `end` before `begin`, or in its future, are errors there (reported). A
    day that came complete is noted and not asked again, unless a window names it.
    """
    ahead = await _clock(talk)
    path = f"{talk.root}/data/history/logics"
    resolution = timedelta(minutes=talk.settings.resolution_min)
    for day in talk.days():
        note = f"complete {talk.sensor.target.device_id} {day.isoformat()}"
        if talk.asked.window is None and talk.asked.is_known(note, -1, None):
            continue
        begin, day_end = day_bounds(day, talk.zone)
        sensor_now = talk.asked.now() + ahead
        end = min(day_end, begin + (sensor_now - begin) // resolution * resolution)
        if end <= begin:
            continue
        params: dict[str, str | int] = {
            "begin": milliseconds(begin),
            "end": milliseconds(end),
            "resolution_min": talk.settings.resolution_min,
            "include_empty": "false",
            "time_format": "UNIX_TIME_MS",
        }
        name = talk.name(path, params)
        try:
            content = await talk.sensor.get(path, params)
        except _HOPELESS:
            raise
        except SourceError as error:
            talk.fail(error.reason, str(error), name, day)
            continue
        talk.bring(name, content, day)
        if end == day_end and _is_complete(content, begin, end):
            talk.fail(COMPLETE, "every minute of the day is there", note, day)


def _is_complete(content: bytes, begin: datetime, end: datetime) -> bool:
    try:
        return covered_minutes(content, begin, end) >= (end - begin) // timedelta(minutes=1)
    except (Unreadable, Unfit):
        return False


async def _clock(talk: Talk) -> timedelta:
    """Return how far the sensor's clock is ahead of ours; beyond the tolerance that is a finding as well."""
    path = "api/v5/time/state"
    try:
        body = as_object(read_json(await talk.sensor.get(path))) or {}
        written = text((as_object(body.get("details")) or {}).get("time"))
        ahead = instant(written, talk.zone) - talk.asked.now()
    except (NoData, Unreadable, ValueError) as error:
        talk.fail("clock_unknown", f"the sensor's time cannot be read ({error}); ours is used", talk.name(path))
        return timedelta()
    if abs(ahead.total_seconds()) > talk.settings.clock_tolerance_seconds:
        message = f"the sensor's clock is {ahead.total_seconds():+.0f} s off: its counts stand in the wrong minutes"
        talk.fail("clock_wrong", message, talk.name(path))
    return ahead


async def ask_live(talk: Talk) -> None:
    """Take one reading of the cumulative counters, whatever the generation."""
    if talk.sensor.target.address.context != LEGACY:
        await _read_once(talk, f"{talk.root}/data/live/logics")
    elif talk.settings.legacy_format == "json":
        await _read_once(talk, "api/data/live", {"format": "json"})
    else:
        await _read_once(talk, LEGACY_DOCUMENTS["count-data"], is_xml=True)


async def ask_legacy(talk: Talk) -> None:
    """Ask the documents of firmware 3 and 4 one by one; one that is missing does not hide the others."""
    for document in talk.settings.legacy_documents:
        path = LEGACY_DOCUMENTS[document]
        try:
            await _read_once(talk, path, is_xml=True)
        except NoData as error:
            talk.fail(error.reason, str(error), talk.name(path))


async def _read_once(
    talk: Talk, path: str, params: dict[str, str | int] | None = None, *, is_xml: bool = False
) -> None:
    content = await talk.sensor.get(path, params, is_xml=is_xml)
    talk.bring(talk.name(path, params, is_reading=True), content)


async def ask_status(talk: Talk) -> None:
    """Ask every health document and bring what came as one check; a sensor that does not answer is a check as well."""
    is_legacy = talk.sensor.target.address.context == LEGACY
    parts: dict[str, bytes] = {}
    failures: dict[str, str] = {}
    last: SourceError | None = None
    for part in LEGACY_PARTS if is_legacy else V5_PARTS:
        try:
            parts[part] = await _ask_part(talk, part, is_legacy=is_legacy)
        except SourceError as error:
            failures[part], last = error.reason, error
            if isinstance(error, _HOPELESS):
                break
    talk.bring(talk.name("", is_reading=True), bundle(parts, failures))
    if last is not None and not parts:
        talk.fail(last.reason, str(last))


async def _ask_part(talk: Talk, part: str, *, is_legacy: bool) -> bytes:
    if is_legacy:
        return await talk.sensor.get(f"api/{part}", is_xml=True)
    if part in ("device/info", "device/state", "device/id"):
        return await talk.sensor.public(f"api/v5/{part}")
    is_of_scene = part == "status" or part.startswith("data/")
    return await talk.sensor.get(f"{talk.root}/{part}" if is_of_scene else f"api/v5/{part}")


async def ask_document(talk: Talk) -> None:
    """Ask the unverified dialect: a business day by `from` and `to`, or the current figure."""
    path, location = talk.settings.document_path.strip("/"), talk.sensor.target.device_id
    if talk.settings.document_ask == "current":
        await _read_once(talk, path, {"locationId": location})
        return
    for day in talk.days():
        begin, end = day_bounds(day, talk.zone)
        params: dict[str, str | int] = {"locationId": location, "from": _rfc3339(begin), "to": _rfc3339(end)}
        talk.bring(talk.name(path, params), await talk.sensor.get(path, params), day)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
