"""The client: origins with their credential, bounded questions, one retry policy, errors that hold no secret.

Nothing here knows a vendor. httpx is imported when the first origin is opened (0.25 s that only a fetch pays).
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import stamina

from orchestration.sources.contract import Refused, SourceError, Throttled, Unreachable
from orchestration.sources.http.answers import Answer, Faulty, NoConnection, TooLarge, Unexpected
from orchestration.sources.http.masking import mask_logs, masked
from orchestration.sources.http.settings import Credential, HttpSettings
from orchestration.sources.http.together import side_by_side

Result = TypeVar("Result")
Params = Mapping[str, str | int]
Question = tuple[str, str, Params, bytes | None, Mapping[str, str], Collection[int]]
STRIKES = 5  # questions given up in a row (retries included) after which an origin is left alone for a fetch


class _TooLate(Throttled):
    """The server asks us to wait longer than our patience lasts."""


class _Later(Throttled):
    """The server said how long to wait; the origin's own pause does the waiting."""


def _again(error: Exception) -> bool | float:
    if isinstance(error, _TooLate):
        return False
    return 0.0 if isinstance(error, _Later) else isinstance(error, Unreachable | Throttled | Faulty)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently a server is asked again: after 429, 5xx, timeouts and broken connections only.

    A `Retry-After` up to `longest_retry_after_seconds` is waited for by every question to that origin; a longer one
    is not, the answer is `Throttled` at once and the next schedule asks again.
    """

    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 10.0
    longest_retry_after_seconds: float = 60.0

    def __aiter__(self) -> AsyncIterator[stamina.Attempt]:
        return stamina.retry_context(
            on=_again,
            attempts=self.attempts,
            timeout=None,
            wait_initial=self.first_wait_seconds,
            wait_max=self.longest_wait_seconds,
        ).__aiter__()


RETRY = Retry()


class HttpClient:
    """All that one fetch asks, of any number of origins. `completed` is used once and closes the client."""

    def __init__(self, settings: HttpSettings, retry: Retry = RETRY) -> None:
        self.settings = settings
        self.retry = retry
        self.connections = asyncio.Semaphore(settings.max_connections)
        self._sites: list[Site] = []
        mask_logs()

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """The certificates to trust. Raises Refused when `ca_file` cannot be read."""
        path = self.settings.ca_file
        if path is None:
            import httpx  # noqa: PLC0415

            return httpx.create_ssl_context(trust_env=False)
        try:
            trust = ssl.create_default_context(cafile=str(path))
        except OSError as error:  # SSLError is one
            said = f"ca_file {path} cannot be read: {error.strerror or type(error).__name__}"
        else:
            trust.check_hostname = self.settings.check_hostname
            return trust
        raise Refused(said)

    def site(self, base_url: str, credential: Credential | None = None) -> "Site":
        """Open one origin with the credential that is for it alone. Raises Refused for an address that is not safe."""
        site = Site(self, self.settings.checked_address(base_url), credential or Credential())
        self._sites.append(site)
        return site

    def completed(self, jobs: Iterable[Callable[[], Awaitable[Result]]], in_flight: int = 64) -> Iterator[Result]:
        """Run jobs side by side and yield each result as it completes; see together.py. Closes the client."""
        return side_by_side(jobs, in_flight, self._close)

    async def _close(self) -> None:
        for site in self._sites:
            await site.close()


class Site:
    """One origin: its credential, its connections, its pauses, and whether it is still worth asking."""

    def __init__(self, client: HttpClient, base_url: str, credential: Credential) -> None:
        import httpx  # noqa: PLC0415

        settings = client.settings
        self.base_url = base_url
        self._client = client
        self._credential = credential
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._first = asyncio.Lock()
        self._is_proven = False  # until somebody answered, one question at a time: wrong passwords lock accounts
        self._given_up: SourceError | None = None
        self._strikes = 0
        self._not_before = 0.0
        self._http = httpx.AsyncClient(
            verify=client.trust,
            trust_env=False,
            follow_redirects=False,
            headers={"Accept-Encoding": "gzip", "User-Agent": "footfall"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(settings.timeout_seconds, connect=settings.connect_timeout_seconds),
            limits=httpx.Limits(max_connections=settings.concurrency, keepalive_expiry=30.0),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self,
        path: str,
        params: Params | None = None,
        *,
        method: str = "GET",
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        handles: Collection[int] = (404,),
    ) -> Answer:
        """Ask below this origin's address, again where that helps, and return a whole 2xx answer or a `handles` one.

        Raises Refused (401, 403, certificate: the origin is not asked again), Throttled, Unreachable, Faulty (each
        after the policy's attempts), TooLarge, Unexpected. Messages hold no secret.
        """
        question = (method, f"{self.base_url}/{path.lstrip('/')}", params or {}, content, headers or {}, handles)
        if not self._is_proven:
            async with self._first:
                if not self._is_proven:
                    return await self._patiently(question)
        return await self._patiently(question)

    async def _patiently(self, question: Question) -> Answer:
        """Ask by the retry policy, and remember when the origin is not worth asking any more."""
        if self._given_up is not None:
            raise type(self._given_up)(str(self._given_up))
        try:
            async for attempt in self._client.retry:
                with attempt:
                    answer = await self._asked(*question)
                    self._strikes = 0
                    return answer
        except (Refused, NoConnection) as error:
            self._given_up = error
            raise
        except (Unreachable, Throttled, Faulty) as error:
            self._strikes += 1
            if self._strikes >= STRIKES or isinstance(error, _TooLate):
                self._given_up = error
            raise
        raise AssertionError("stamina gives an answer or raises")

    async def _asked(
        self,
        method: str,
        url: str,
        params: Params,
        content: bytes | None,
        headers: Mapping[str, str],
        handles: Collection[int],
    ) -> Answer:
        """Ask once, when the origin's pause is over and there is a slot, and judge the status."""
        async with self._slots:
            if isinstance(self._given_up, Refused):
                raise Refused(str(self._given_up))
            while (pause := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            async with self._client.connections:
                answer = await self._exchange(method, url, params, content, headers)
        status = answer.status
        if status in handles or 200 <= status < 300:
            self._is_proven = True
            return answer
        # The reason first: ledgers and screens cut a message at its end, and the address is long.
        body = self._credential.scrubbed(answer.content[:300].decode("utf-8", "replace"))
        said = f"HTTP {status} {body} from {answer.name}"
        if status in (401, 403):
            raise Refused(said)
        self._is_proven = True
        if status in (429, 503):
            raise self._throttled(answer, said)
        if status >= 500:
            raise Faulty(said)
        if 300 <= status < 400:
            target = self._credential.scrubbed(masked(answer.headers.get("location", "")))
            said = f"HTTP {status} to {target}, which is not followed, from {answer.name}"
        raise Unexpected(answer, said)

    def _throttled(self, answer: Answer, said: str) -> SourceError:
        wait = _seconds(answer.headers.get("retry-after", ""))
        if wait is None:
            return Throttled(said) if answer.status == 429 else Faulty(said)
        if wait > self._client.retry.longest_retry_after_seconds:
            return _TooLate(f"asks to wait {wait:.0f} s: {said}")
        self._not_before = max(self._not_before, time.monotonic() + wait)
        return _Later(said)

    async def _exchange(
        self, method: str, url: str, params: Params, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send one question and read the whole body. What failed is raised without its cause, which holds secrets."""
        import httpx  # noqa: PLC0415

        credential, settings = self._credential, self._client.settings
        address = httpx.URL(url).copy_merge_params(dict(params))
        name = masked(str(address))
        secret_params = {key: value.get_secret_value() for key, value in credential.params.items()}
        secret_headers = {key: value.get_secret_value() for key, value in credential.headers.items()}
        body = bytearray()
        try:
            async with (
                asyncio.timeout(settings.connect_timeout_seconds + 10 * settings.timeout_seconds),  # dripping servers
                self._http.stream(
                    method,
                    address.copy_merge_params(secret_params) if secret_params else address,
                    content=content,
                    headers={**headers, **secret_headers},
                    extensions={"trace": _Handshake()},
                ) as response,
            ):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > settings.max_body_bytes:
                        break
                answer = Answer(
                    response.status_code, bytes(body), name, {k.lower(): v for k, v in response.headers.items()}
                )
        except (TimeoutError, httpx.TimeoutException) as error:
            kind = NoConnection if isinstance(error, httpx.ConnectTimeout) else Unreachable
            problem: SourceError = kind(f"no answer in time ({type(error).__name__}) from {name}")
        except httpx.ConnectError as error:
            refused = "certificate" in str(error).lower() and "verif" in str(error).lower()
            problem = (Refused if refused else NoConnection)(f"{credential.scrubbed(error)}: {name}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = Unreachable(f"{type(error).__name__}: {credential.scrubbed(error)}: {name}")
        else:
            if len(body) <= settings.max_body_bytes:
                return answer
            problem = TooLarge(f"more than {settings.max_body_bytes} bytes from {name}")
        raise problem


class _Handshake:
    """Closes a connection whose TLS handshake was cancelled: httpcore 1.0 closes it after errors alone (seen)."""

    def __init__(self) -> None:
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed":
            await self._stream.aclose()


def _seconds(retry_after: str) -> float | None:
    """Read a Retry-After header, seconds or a date; None where there is none that can be read."""
    if retry_after.strip().isdigit():
        return float(retry_after.strip())
    try:
        return max(0.0, (parsedate_to_datetime(retry_after).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
