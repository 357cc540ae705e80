"""Asking counters: a token each, then one day at a time, side by side. A counter that fails costs its own days only.

The token is renewed once, when it is refused and never before. The other spelling of the path is tried after a 404
and nothing else. How answers are read is device_reading.py's.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from orchestration.sources.contract import (
    Asked,
    Channel,
    Failure,
    Landed,
    Payload,
    Refused,
    SourceError,
    Throttled,
    Unreachable,
    Unreadable,
)
from orchestration.sources.footfallcam.device_reading import read_counts
from orchestration.sources.footfallcam.device_request import (
    COUNT_PATH,
    COUNT_PATH_AS_IN_TEMPLATE,
    TOKEN_PATH,
    CountQuery,
    Target,
    count_address,
    day_queries,
    request_name,
    targets,
    whole_day_intervals,
    without_address,
)
from orchestration.sources.footfallcam.settings import SOURCE, DeviceSettings
from orchestration.sources.footfallcam.tokens import Tokens, holds, token_in
from orchestration.sources.footfallcam.values import error_in
from orchestration.sources.http import Answer, Credential, HttpClient, Retry, Site, read_json

COMPLETE = "ignored_complete"  # a note to the next fetch, not a fault: this counter's day need not be asked again
_HOPELESS = (Unreachable, Refused, Throttled)  # what is asked next of the same counter would fail the same way
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")


class NoToken(SourceError):
    """An answer without anything like a token: a login page, or another device at that address."""

    reason = "no_token"


class Echoed(SourceError):
    """An answer that repeats our secret; it is not kept."""

    reason = "secret_in_answer"


class Counter:
    """One counter's conversation in one fetch: its token, and which spelling of the path it knows."""

    def __init__(
        self, client: HttpClient, target: Target, settings: DeviceSettings, password: SecretStr | None, tokens: Tokens
    ) -> None:
        self.target = target
        self.given_up = False
        self._client = client
        self._settings = settings
        self._password = password
        self._tokens = tokens
        self._key = (target.device_id, target.base_url, settings.user)
        self._lock = asyncio.Lock()
        self._sites: dict[str, Site] = {}
        self._path = COUNT_PATH
        self._is_renewed = False
        self._no_token: SourceError | None = None  # asked for once: wrong passwords may lock a counter
        _ = client.settings.checked_address(target.base_url)

    async def count(self, query: CountQuery) -> Answer:
        """Ask a question, one at a time; a refused token is renewed once. Raises SourceError."""
        async with self._lock:
            return await self._count(query)

    async def _count(self, query: CountQuery) -> Answer:
        token = await self.token()
        answer = await self._asked(token, query)
        if refusal(answer):
            token = await self.token(instead_of=token)
            answer = await self._asked(token, query)
            if said := refusal(answer):
                raise Refused(f"{answer.name}: a new token was refused as well ({said})")
        if answer.status == 404:
            raise NotThere(f"{answer.name}: neither spelling of the path is there (HTTP 404)")
        if holds(answer.content, token, self._password):
            raise Echoed(f"{answer.name}: the answer repeats the token or password, so it is not kept")
        return answer

    async def token(self, instead_of: SecretStr | None = None) -> SecretStr:
        """Return the token that is kept, or ask for one: when there is none, or the one in hand was refused."""
        kept = self._tokens.get(self._key)
        if kept is not None and kept != instead_of:
            return kept
        if self._no_token is not None:
            raise self._no_token
        if self._is_renewed:
            raise Refused(f"{self.target.base_url}: the token was refused after it had been renewed")
        self._is_renewed = instead_of is not None
        self._tokens.pop(self._key, None)
        try:
            self._tokens[self._key] = token = await self._new_token()
        except SourceError as error:
            self._no_token = error
            raise
        return token

    @property
    def has_no_token(self) -> bool:
        """Tell whether a token was asked for in vain."""
        return self._no_token is not None

    async def _new_token(self) -> SecretStr:
        if self._password is None or not self._password.get_secret_value():
            raise Refused(
                f"counter {self.target.device_id} has no password: name one with password_env or password_file"
            )
        params = {"username": SecretStr(self._settings.user), "password": self._password}
        site = self._client.site(self.target.base_url, Credential(params=params, secrets=(self._password,)))
        answer = await site.ask(TOKEN_PATH)
        token = token_in(answer.content) if answer.status == 200 else None
        if token is None:
            raise NoToken(f"{answer.name}: HTTP {answer.status} without a token in {len(answer.content)} bytes")
        return token

    async def _asked(self, token: SecretStr, query: CountQuery) -> Answer:
        text = token.get_secret_value()
        if text not in self._sites:
            secrets = (token, *([self._password] if self._password else []))
            credential = Credential(params={"access_token": token}, secrets=secrets)
            self._sites[text] = self._client.site(self.target.base_url, credential)
        site = self._sites[text]
        path = self._path
        answer = await site.ask(path, query.params, handles=(401, 403, 404))
        if answer.status == 404 and path == COUNT_PATH:
            answer = await site.ask(COUNT_PATH_AS_IN_TEMPLATE, query.params, handles=(401, 403, 404))
            if answer.status != 404:
                self._path = COUNT_PATH_AS_IN_TEMPLATE
        return answer

    def name(self, query: CountQuery, clock_ahead_seconds: float = 0.0) -> str:
        """Name a question, the token masked."""
        return request_name(count_address(self.target.base_url, query, self._path), clock_ahead_seconds)


class NotThere(SourceError):
    """Neither spelling of the path exists: not a counter, or firmware without this interface."""

    reason = "http_404"


def refusal(answer: Answer) -> str:
    """Say how an answer refuses the token: 401, 403, or an `error` with status 200 (inferred); else the empty text."""
    if answer.status in (401, 403):
        return f"HTTP {answer.status}"
    if answer.status == 200 and b'"error"' in answer.content[:500]:
        try:
            return "an error with status 200" if error_in(read_json(answer.content)) else ""
        except Unreadable:
            return ""
    return ""


def clock_ahead(answer: Answer, now: datetime, zone: str, tolerance_seconds: float) -> float:
    """Return by how many seconds the counter's clock is ahead, by its Date header; 0 within tolerance or without one.

    A device that writes its local time as if it were GMT is right as well (inferred: small devices do).
    """
    found = _HTTP_DATE.findall(answer.headers.get("date", ""))
    if not found:
        return 0.0
    ahead = (parsedate_to_datetime(found[-1]) - now).total_seconds()
    offset = now.astimezone(ZoneInfo(zone)).utcoffset()
    as_local = ahead - (offset.total_seconds() if offset else 0.0)
    return 0.0 if min(abs(ahead), abs(as_local)) <= tolerance_seconds else ahead


@dataclass(frozen=True, slots=True)
class DeviceFetch:
    """A fetch of all counters of one feed."""

    feed: str
    settings: DeviceSettings
    asked: Asked
    retry: Retry
    tokens: Tokens

    def __call__(self) -> Iterator[Payload | Failure]:
        """Yield a payload per counter and day as it comes, or a Failure with its own reason.

        Raises Refused when a password that all counters share is not there.
        """
        devices = list(self.asked.devices)
        for name in without_address(self.settings, devices):
            yield Failure(self.feed, "no_address", "counters.csv has no address for it", device_id=name)
        if not any(device.address.strip() for device in devices):
            yield Failure(self.feed, "no_counters", "counters.csv has no footfallcam row with an address to ask")
        if not self.settings.has_own_passwords:
            self.asked.secret(*self.settings.secret_place(""))
        client = HttpClient(self.settings.resolved(self.asked.home), self.retry)
        counters: list[Counter] = []
        for target in targets(devices, self.settings):
            try:
                password = self.asked.secret(*self.settings.secret_place(target.device_id))
                counters.append(Counter(client, target, self.settings, password, self.tokens))
            except Refused as error:
                yield self._failure(target.device_id, error)
        jobs = list(self._jobs(counters))
        if not jobs:
            return
        _ = client.trust  # a certificate file that cannot be read concerns them all
        for found in client.completed(jobs):
            yield from found

    def _jobs(self, counters: list[Counter]) -> Iterator[Callable[[], Awaitable[list[Payload | Failure]]]]:
        """Make the jobs, all counters' newest days first: so as many counters as possible are asked at one time."""
        by_counter = [
            list(reversed(list(day_queries(self.settings, self.asked, counter.target.timezone))))
            for counter in counters
        ]
        for step in range(max((len(queries) for queries in by_counter), default=0)):
            for counter, queries in zip(counters, by_counter, strict=True):
                if step < len(queries) and not self._is_complete(counter, queries[step]):
                    yield partial(self._ask, counter, queries[step])

    def _is_complete(self, counter: Counter, query: CountQuery) -> bool:
        return self.asked.window is None and self.asked.is_known(_note(counter, query), -1, None)

    async def _ask(self, counter: Counter, query: CountQuery) -> list[Payload | Failure]:
        if counter.given_up:
            return []
        try:
            answer = await counter.count(query)
        except SourceError as error:
            if counter.given_up:
                return []
            counter.given_up = isinstance(error, (*_HOPELESS, NotThere)) or counter.has_no_token
            return [self._failure(counter.target.device_id, error, counter.name(query), query)]
        now, zone = self.asked.now(), counter.target.timezone
        ahead = clock_ahead(answer, now, zone, self.settings.clock_tolerance_seconds)
        payload = Payload(
            feed=self.feed,
            source=SOURCE,
            name=counter.name(query, ahead),
            content=answer.content,
            received_at=now,
            channel=Channel.API,
            device_id=counter.target.device_id,
            business_date=query.first,
        )
        if query.time_end is None and self._has_all(payload, query, zone):
            note = _note(counter, query)
            return [payload, Failure(self.feed, COMPLETE, "every interval of the day came", note, payload.device_id)]
        return [payload]

    def _has_all(self, payload: Payload, query: CountQuery, zone: str) -> bool:
        try:
            read = read_counts(Landed("", payload, payload.received_at), self.settings)
        except Unreadable:
            return False
        return not read.rejections and len(read.rows) >= whole_day_intervals(query, zone)

    def _failure(self, device_id: str, error: SourceError, name: str = "", query: CountQuery | None = None) -> Failure:
        return Failure(self.feed, error.reason, str(error), name, device_id, query.first if query else None)


def _note(counter: Counter, query: CountQuery) -> str:
    size = f"{query.data_format} {query.interval_seconds}"
    return f"complete {counter.target.device_id} {query.first.isoformat()} {size}"
