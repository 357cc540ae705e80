"""Ask Bespot for closed minutes: one question per store and business day, all its pages one payload.

`next` links are never followed: the vendor writes them with http, and a link may name any host. Only their page
number is used, on the configured origin. A count that changes between pages starts the question again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from orchestration.sources.bespot.settings import BespotSettings, Interface
from orchestration.sources.contract import (
    Asked,
    Channel,
    Device,
    Failure,
    Payload,
    Refused,
    SourceError,
    Throttled,
    Unreachable,
    Unreadable,
)
from orchestration.sources.http import Answer, Credential, Faulty, HttpClient, Site, masked, read_json

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)  # documented: "New data are available to these endpoints every 15 minutes"
RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """One store ('' for all) and business day: both bounds are inclusive minutes (UTC), as Bespot's filters are."""

    store_code: str
    day: date
    first: datetime
    last: datetime
    is_day_over: bool

    @property
    def params(self) -> dict[str, str]:
        """The filters of the request, without paging."""
        bounds = {"datetime_gte": f"{self.first:%Y-%m-%dT%H:%M:%SZ}", "datetime_lte": f"{self.last:%Y-%m-%dT%H:%M:%SZ}"}
        return {**bounds, "store_code": self.store_code} if self.store_code else bounds


class Untrusted(SourceError):
    """Pages that do not add up to one answer; `reason` says how."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Drift(Untrusted):
    """The answer changed while it was read; asking again from the first page may help."""


@dataclass(frozen=True, slots=True)
class Page:
    """What paging needs of one page."""

    count: int
    results: Sequence[Any] = field(repr=False)
    next_link: str

    @property
    def keys(self) -> set[tuple[str, str]]:
        """What names a row, as text: good enough to see one twice."""
        rows = [cast("dict[str, Any]", row) for row in self.results if isinstance(row, dict)]
        return {(str(row.get("store_code")), str(row.get("minute"))) for row in rows}


def closed_until(now: datetime, lag_minutes: int) -> datetime:
    """Return the end (exclusive) of the newest quarter of an hour that no longer changes."""
    moment = now.astimezone(UTC) - timedelta(minutes=lag_minutes)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def questions(table: BespotSettings, asked: Asked, now: datetime) -> list[Question]:
    """List what to ask: the window's business days, or what the schedule wants, each store by its own calendar."""
    closed = closed_until(now, table.lag_minutes)
    stores = {device.device_id: device for device in reversed(asked.devices) if device.device_id}
    wanted = sorted(stores.values(), key=lambda device: device.device_id)
    if not table.per_store:
        wanted = [Device("bespot", "")]
    found: list[Question] = []
    for device in wanted:
        zone = ZoneInfo(device.timezone or table.timezone)
        for day in _days(table, asked, now, closed, zone):
            first = datetime.combine(day, time.min, zone).astimezone(UTC)
            end = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
            last = min(end, closed) - MINUTE
            if last >= first:
                found.append(Question(device.device_id, day, first, last, end <= closed))
    return sorted(found, key=lambda question: (question.day, question.store_code))


def _days(table: BespotSettings, asked: Asked, now: datetime, closed: datetime, zone: ZoneInfo) -> Iterator[date]:
    newest = (closed - MINUTE).astimezone(zone).date()
    if asked.window is not None:
        first, last = asked.window.first, min(asked.window.last, newest)
    else:
        is_nightly = now.astimezone(ZoneInfo(table.timezone)).hour == table.nightly_hour
        overlap = (closed - timedelta(minutes=table.overlap_minutes)).astimezone(zone).date()
        first, last = (newest - timedelta(days=table.restates_days) if is_nightly else overlap), newest
    for step in range((last - first).days + 1):
        yield first + timedelta(days=step)


def fetch(feed: str, interface: Interface, table: BespotSettings, asked: Asked) -> Iterator[Payload | Failure]:
    """Yield one payload per store and business day as it completes, or a Failure for that store and day.

    Raises Refused when the credentials are (everything stops: accounts lock), and Unreachable when nothing answered.
    """
    credential = Credential.basic(table.user, asked.secret(table.password_env, table.password_file))
    wanted = questions(table, asked, asked.now())
    if table.per_store and not any(device.device_id for device in asked.devices):
        yield Failure(feed, "no_stores", "counters.csv has no row of source bespot, so there is no store to ask for")
    if not wanted:
        return
    client = HttpClient(table.resolved(asked.home))
    site = client.site(table.base_url, credential)
    source = _Source(feed, interface, table, site, asked.now)
    jobs = (partial(source.payload, question) for question in wanted)
    silent: Failure | None = None
    has_answered = False
    for found in client.completed(jobs, in_flight=4 * table.concurrency):
        if isinstance(found, Payload) or found.reason not in _SILENCE:
            has_answered = True
        else:
            silent = found
        yield found
    if silent is not None and not has_answered:
        raise Unreachable(silent.message)


_SILENCE = {error.reason for error in (Unreachable, Throttled, Faulty)}


@dataclass(frozen=True, slots=True)
class _Source:
    """One resource of one origin during one fetch."""

    feed: str
    interface: Interface
    table: BespotSettings
    site: Site
    now: Callable[[], datetime]

    async def payload(self, question: Question) -> Payload | Failure:
        """Return the whole answer to a question, or why there is none."""
        name = f"GET {self.interface.path}?{urlencode(question.params)}"
        try:
            bodies = await self._bodies(question)
        except Refused:
            raise
        except SourceError as error:
            return Failure(self.feed, error.reason, str(error), name, question.store_code, question.day)
        received = self.now()
        return Payload(
            feed=self.feed,
            source="bespot",
            name=name,
            content=b"[" + b",".join(bodies) + b"]",
            received_at=received,
            channel=Channel.API,
            # Of a day that is not over it speaks until here; staging writes no zeros beyond.
            modified_at=None if question.is_day_over else min(received, question.last + MINUTE),
            device_id=question.store_code,
            business_date=question.day,
        )

    async def _bodies(self, question: Question) -> list[bytes]:
        for attempt in range(RESTARTS + 1):
            try:
                return await self._pages(question)
            except Drift:
                if attempt == RESTARTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _pages(self, question: Question) -> list[bytes]:
        bodies: list[bytes] = []
        keys: set[tuple[str, str]] = set()
        rows, number, count = 0, 1, 0
        for _ in range(self.table.max_pages):
            paging = {"page": number, "page_size": self.table.page_size}
            answer = await self.site.ask(self.interface.path, {**question.params, **paging})
            if answer.status == 404:
                raise _not_found(answer, number)
            bodies.append(answer.content)
            try:
                page = read_page(answer.content)
            except Unreadable:
                return bodies  # kept as it came: parsing says what is wrong, and a replay can mend it
            if number > 1 and page.count != count:
                raise Drift("count_drift", f"count was {count}, then {page.count}, while paging")
            if number > 1 or page.next_link:
                if keys & page.keys:
                    raise Drift("rows_repeat", f"page {number} repeats rows of an earlier page")
                keys |= page.keys
            rows, count = rows + len(page.results), page.count
            if not page.next_link:
                if rows != count:
                    raise Drift("incomplete_pages", f"count says {count}, the pages held {rows} rows")
                return bodies
            number = self._next_page(page.next_link, number)
        raise Untrusted("too_many_pages", f"more than {self.table.max_pages} pages (max_pages)")

    def _next_page(self, link: str, number: int) -> int:
        """Take the page number out of a `next` link; the link itself is never asked."""
        try:
            parts = urlsplit(link)
            host, page = parts.hostname or "", parse_qs(parts.query).get("page", [""])[-1]
        except ValueError:
            host, page = "", ""
        if host != (urlsplit(self.table.base_url).hostname or ""):
            raise Untrusted("foreign_next", f"`next` names another host, which is not asked: {masked(link)[:200]}")
        if not (page.isascii() and page.isdigit()):
            raise Untrusted("bad_next", f"`next` has no page number: {masked(link)[:200]}")
        if int(page) <= number:
            raise Untrusted("page_cycle", f"`next` of page {number} leads back to page {int(page)}")
        return int(page)


def read_page(content: bytes) -> Page:
    """Read what paging needs. Raises Unreadable where the body is not a page (see reading.py for the rows)."""
    body = read_json(content)
    page = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    count, results, link = page.get("count"), page.get("results"), page.get("next")
    if type(count) is not int or not isinstance(results, list) or not isinstance(link, str | None):
        raise Unreadable("not_a_page", "the body has no count, next and results")
    return Page(count, cast("list[Any]", results), link or "")


def _not_found(answer: Answer, number: int) -> SourceError:
    """Read a 404: an unknown store, or a page that was there when the page before it was written."""
    try:
        body = read_json(answer.content)
    except Unreadable:
        body = None
    said = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    code = str(said.get("code") or said.get("error_code") or "http_404")
    message = f"{said.get('detail') or 'not found'} ({code}, error_id {said.get('error_id') or 'none'})"
    if number > 1:
        return Drift("count_drift", message)
    return Untrusted(code if code.isidentifier() and len(code) < 60 else "http_404", message[:500])
