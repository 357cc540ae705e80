"""Asking an account's Cube and its list of sites, with a token of the account.

The token and Sites are documented (the vendor's own guides), the query was seen in practice (three public consumers).
Cube answers `Continue wait` with status 200 while it works: asked again, so many times, and never taken for "no data".
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from pydantic import SecretStr

from orchestration.sources.contract import Asked, Channel, Failure, Payload, Refused, SourceError, Unreadable
from orchestration.sources.footfallcam.cube_reading import CONTINUE_WAIT, page_rows
from orchestration.sources.footfallcam.days import business_days
from orchestration.sources.footfallcam.device import Echoed
from orchestration.sources.footfallcam.settings import SOURCE, AccountSettings, CubeSettings
from orchestration.sources.footfallcam.tokens import Tokens, holds, token_in
from orchestration.sources.footfallcam.values import as_object, error_in, text
from orchestration.sources.http import Answer, Credential, HttpClient, Retry, Site, read_json

LOAD_PATH = "API/v1/load"
SITES_PATH = "api/Sites"
TOKEN_PATH = "account/GenerateAccessToken"  # noqa: S105 - an address
SITES = "sites"  # in place of a device: a report of sites is no counter's delivery


class StillWorking(SourceError):
    """Cube said `Continue wait` as often as we were willing to hear it. Ask again at the next schedule."""

    reason = "continue_wait"


class Truncated(SourceError):
    """As many rows as the limit: some may be missing, so none is believed."""

    reason = "truncated"


class CubeError(SourceError):
    """An error with status 200 that is no refusal."""

    reason = "error_answer"


class Account:
    """One account in one fetch: its token, renewed once when it is refused."""

    def __init__(self, client: HttpClient, settings: AccountSettings, asked: Asked, tokens: Tokens) -> None:
        self._client = client
        self._settings = settings
        self._asked = asked
        self._tokens = tokens
        self._key = ("account", settings.account_url, settings.user)
        self._password = asked.secret(settings.password_env, settings.password_file)
        self._lock = asyncio.Lock()
        self._sites: dict[tuple[str, str], Site] = {}
        self._is_renewed = False

    async def ask(self, base_url: str, header: str, path: str, content: bytes | None = None) -> Answer:
        """Ask with the token in a header. Raises Refused when a renewed token is refused as well, else SourceError."""
        token = await self._token()
        answer = await self._asked_with(token, base_url, header, path, content)
        if answer.status in (401, 403):
            token = await self._token(instead_of=token)
            answer = await self._asked_with(token, base_url, header, path, content)
            if answer.status in (401, 403):
                raise Refused(f"{answer.name}: HTTP {answer.status} with a new token as well")
        if holds(answer.content, token, self._password):
            raise Echoed(f"{answer.name}: the answer repeats the token or password, so it is not kept")
        return answer

    async def _asked_with(
        self, token: SecretStr, base_url: str, header: str, path: str, content: bytes | None
    ) -> Answer:
        key = (base_url, token.get_secret_value())
        if key not in self._sites:
            self._sites[key] = self._client.site(base_url, Credential.token(token, header))
        method = "GET" if content is None else "POST"
        kind = {"Content-Type": "application/json"} if content is not None else {}
        return await self._sites[key].ask(path, method=method, content=content, headers=kind, handles=(401, 403))

    async def _token(self, instead_of: SecretStr | None = None) -> SecretStr:
        async with self._lock:
            kept = self._tokens.get(self._key)
            if kept is not None and kept != instead_of:
                return kept
            if self._is_renewed:
                raise Refused(f"{self._settings.account_url}: the token was refused after it had been renewed")
            self._is_renewed = instead_of is not None
            self._tokens.pop(self._key, None)
            self._tokens[self._key] = token = await self._new_token()
            return token

    async def _new_token(self) -> SecretStr:
        password = self._password
        if password is None or not password.get_secret_value():
            raise Refused(f"account {self._settings.user} has no password: name one with password_env or password_file")
        expires = self._asked.now().astimezone(UTC).date() + timedelta(days=self._settings.token_days)
        body = {"email": self._settings.user, "password": password.get_secret_value(), "expiration": f"{expires}"}
        site = self._client.site(self._settings.account_url, Credential(secrets=(password,)))
        kind = {"Content-Type": "application/json"}
        answer = await site.ask(TOKEN_PATH, method="POST", content=json.dumps(body).encode(), headers=kind)
        token = token_in(answer.content) if answer.status == 200 else None
        if token is None:
            raise Refused(f"{answer.name}: HTTP {answer.status} and no AToken: {self._said(answer, password)}")
        return token

    @staticmethod
    def _said(answer: Answer, password: SecretStr) -> str:
        """Return what the vendor says instead, such as `User configuration error` (documented), without secrets."""
        try:
            said = error_in(read_json(answer.content))
        except Unreadable as error:
            said = str(error)
        return Credential(secrets=(password,)).scrubbed(said or "nothing")


@dataclass(frozen=True, slots=True)
class CubeQuestion:
    """One question of one day, or of a part of it (both hours included)."""

    day: date
    first_hour: int = 0
    last_hour: int = 23

    @property
    def date_range(self) -> list[str]:
        """The range as Cube has it, both ends included: dates for a whole day, else local times."""
        if (self.first_hour, self.last_hour) == (0, 23):
            return [self.day.isoformat()] * 2
        first = datetime.combine(self.day, time(self.first_hour))
        last = datetime.combine(self.day, time(self.last_hour, 59, 59, 999000))
        return [moment.isoformat(timespec="milliseconds") for moment in (first, last)]

    def halves(self) -> tuple["CubeQuestion", "CubeQuestion"] | None:
        """Split it; None where it is one hour."""
        if self.first_hour == self.last_hour:
            return None
        middle = (self.first_hour + self.last_hour) // 2
        return CubeQuestion(self.day, self.first_hour, middle), CubeQuestion(self.day, middle + 1, self.last_hour)

    def body(self, settings: CubeSettings) -> bytes:
        """Write the query."""

        def member(name: str) -> str:
            return f"{settings.cube}.{name}"

        time_dimension = member(settings.time_dimension)
        query: dict[str, Any] = {
            "measures": [
                member(name) for name in (settings.entry_measure, settings.exit_measure, *settings.more_measures)
            ],
            "dimensions": [
                member(name)
                for name in (settings.site_id, settings.site_code, settings.site_name, *settings.more_dimensions)
            ],
            "timeDimensions": [
                {"dimension": time_dimension, "granularity": settings.granularity, "dateRange": self.date_range}
            ],
            "order": {time_dimension: "asc", member(settings.site_id): "asc"},
            "limit": settings.limit,
        }
        if settings.site_ids:
            chosen = {"member": member(settings.site_id), "operator": "equals", "values": list(settings.site_ids)}
            query["filters"] = [chosen]
        whole = {"query": query, "queryType": settings.query_type} if settings.query_type else {"query": query}
        return json.dumps(whole, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class CubeFetch:
    """A fetch of one Cube object: one question a day, split where the row limit cuts it."""

    feed: str
    settings: CubeSettings
    asked: Asked
    retry: Retry
    tokens: Tokens

    def __call__(self) -> Iterator[Payload | Failure]:
        """Yield a payload per business day, or a Failure. Raises Refused when the account is not let in."""
        client = HttpClient(self.settings.resolved(self.asked.home), self.retry)
        account = Account(client, self.settings, self.asked, self.tokens)
        days = business_days(self.settings, self.asked)
        yield from client.completed([partial(self._ask, account, CubeQuestion(day)) for day in days])

    async def _ask(self, account: Account, question: CubeQuestion) -> Payload | Failure:
        name = f"POST {self.settings.cube_url}/{LOAD_PATH} {self.settings.cube} {question.day}"
        try:
            pages = await self._pages(account, question)
        except Refused:
            raise
        except SourceError as error:
            return Failure(self.feed, error.reason, str(error), name, SITES, question.day)
        content = b"[" + b",".join(pages) + b"]"
        return _payload(self.feed, self.asked, name, content, question.day)

    async def _pages(self, account: Account, question: CubeQuestion) -> list[bytes]:
        """Ask, and where as many rows come as the limit allows, ask for the halves instead."""
        answer = await self._load(account, question)
        try:
            row_count = len(page_rows(read_json(answer)))
        except Unreadable:
            return [answer]  # kept as it came; parsing says what is wrong
        if row_count < self.settings.limit:
            return [answer]
        # days cannot be split: Cube would add each half up by itself
        halves = question.halves() if self.settings.granularity == "hour" else None
        if halves is None:
            raise Truncated(f"{row_count} rows of {question.day} reach the limit of {self.settings.limit}")
        return [page for half in halves for page in await self._pages(account, half)]

    async def _load(self, account: Account, question: CubeQuestion) -> bytes:
        body = question.body(self.settings)
        for _ in range(self.settings.wait_polls):
            answer = await account.ask(self.settings.cube_url, "Authorization", LOAD_PATH, body)
            said = _said(answer.content)
            if not said:
                return answer.content
            if said != CONTINUE_WAIT:
                raise CubeError(f"{answer.name}: {said}")
            await asyncio.sleep(self.settings.wait_seconds)
        raise StillWorking(f"Cube still worked on {question.day} after {self.settings.wait_polls} questions")


def _said(content: bytes) -> str:
    try:
        found = as_object(read_json(content))
    except Unreadable:
        return ""
    if found is None or "error" not in found:
        return ""
    return text(found["error"])[:300] or "an empty error"


@dataclass(frozen=True, slots=True)
class SitesFetch:
    """A fetch of the sites an account sees, as they are today."""

    feed: str
    settings: AccountSettings
    asked: Asked
    retry: Retry
    tokens: Tokens

    def __call__(self) -> Iterator[Payload | Failure]:
        """Yield today's list. Raises Refused when the account is not let in."""
        client = HttpClient(self.settings.resolved(self.asked.home), self.retry)
        account = Account(client, self.settings, self.asked, self.tokens)
        today = self.asked.now().astimezone(UTC).date()
        if self.asked.window is not None and today not in self.asked.window:
            return  # what the list said on other days can no longer be asked
        jobs: Collection[Callable[[], Awaitable[Payload | Failure]]] = [partial(self._ask, account, today)]
        yield from client.completed(jobs)

    async def _ask(self, account: Account, today: date) -> Payload | Failure:
        try:
            answer = await account.ask(self.settings.data_url, "AToken", SITES_PATH)
        except Refused:
            raise
        except SourceError as error:
            return Failure(self.feed, error.reason, str(error), SITES_PATH, SITES, today)
        return _payload(self.feed, self.asked, f"GET {answer.name}", answer.content, today)


def _payload(feed: str, asked: Asked, name: str, content: bytes, day: date) -> Payload:
    return Payload(feed, SOURCE, name, content, asked.now(), Channel.API, device_id=SITES, business_date=day)
