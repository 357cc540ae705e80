"""Counters as they answer in their own network, each below a path of its own: access_token.cgi and apiCount.cgi.

Parameters and their values are documented; bodies, errors and the token's life are not and can be chosen.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from emulators.footfallcam.bodies import Interval, body, rows
from emulators.footfallcam.traffic import Counted
from emulators.http_server import Seen, seen

RESOLUTIONS = {"1", "5", "10", "15", "30", "60"}
LOGIN_PAGE = "<!DOCTYPE html><html><body><form>Counter Setup Wizard</form></body></html>"


@dataclass
class CounterApi:
    """Counters of one network, by device id. Options may change while it serves, and hold for all of them."""

    counters: Mapping[str, Counted]
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str = "admin"
    shape: str = "flat"
    path: str = "apiCount.cgi"
    greeting: str = "text"  # the body with the token: text | quoted | json | html
    refusal: str = "401"  # or 200: an error with status 200
    label: str = "start"
    as_text: bool = False
    skips_zeros: bool = False
    extra_keys: Mapping[str, Any] = field(default_factory=dict)
    missing_key: str = ""
    clock_ahead: timedelta = timedelta()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    has_half_day_clock: bool = False
    ignores_day: bool = False
    tokens: dict[str, str] = field(default_factory=dict, repr=False)  # those that are good, by device
    given: list[str] = field(default_factory=list, repr=False)  # all that were ever given

    def application(self) -> Starlette:
        """Make the ASGI application."""
        return Starlette(
            routes=[
                Route("/{device}/cgi-bin/access_token.cgi", self._token),
                Route("/{device}/cgi-bin/{name}", self._count),
            ]
        )

    def address(self, url: str, device: str) -> str:
        """Return a counter's address on a server."""
        return f"{url}/{device}"

    def revoke(self) -> None:
        """Forget every token: the next question with one is refused."""
        self.tokens.clear()

    async def _token(self, request: Request) -> Response:
        device, asked = request.path_params["device"], seen(request)
        if device not in self.counters:
            return PlainTextResponse("not found", 404)
        if asked.query.get("username") != self.user or asked.query.get("password") != self.passwords.get(device):
            return PlainTextResponse("Unauthorized", 401)
        token = self._new_token(device)
        if self.greeting == "html":
            return Response(LOGIN_PAGE, media_type="text/html")
        said = {"quoted": f'"{token}"\n', "json": json.dumps({"access_token": token})}
        return PlainTextResponse(said.get(self.greeting, f"{token}\n"))

    def _new_token(self, device: str) -> str:
        """Make a JWT as the guide's sample is: the password in clear in its middle."""
        parts = [
            {"alg": "HS256", "typ": "JWT"},
            {"username": "Admin", "serial": secrets.token_hex(8), "password": self.passwords[device]},
        ]
        written = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        self.tokens[device] = token = ".".join((*written, secrets.token_urlsafe(32)))
        self.given.append(token)
        return token

    async def _count(self, request: Request) -> Response:
        device, asked = request.path_params["device"], seen(request)
        if device not in self.counters or request.path_params["name"] != self.path:
            return PlainTextResponse("not found", 404, self._headers())
        if asked.query.get("access_token") != self.tokens.get(device, ""):
            if self.refusal == "200":
                return Response('{"error": "invalid token", "message": "login again"}', 200, self._headers())
            return PlainTextResponse("Unauthorized", 401, self._headers())
        seconds = _seconds(asked)
        if seconds is None:
            return PlainTextResponse("bad parameter", 400, self._headers())
        found = rows(self._intervals(device, asked, seconds), as_text=self.as_text, clock=self._clock())
        for row in found:
            row.update(self.extra_keys)
            row.pop(self.missing_key, None)
        data_type = asked.query.get("data_type", "json")
        content = body(found, self.shape, data_type, seconds)
        return Response(content, 200, self._headers(), "text/xml" if data_type == "xml" else "application/json")

    def _clock(self) -> str:
        return "%Y-%m-%d %I:%M:%S" if self.has_half_day_clock else "%Y-%m-%d %H:%M:%S"

    def _headers(self) -> dict[str, str]:
        return {"Date": format_datetime(self.now() + self.clock_ahead, usegmt=True)}

    def _intervals(self, device: str, asked: Seen, seconds: int) -> list[Interval]:
        """List what the counter has for the days asked for, as its own clock tells it."""
        first, last = (_day(asked.query[key]) for key in ("date_start", "date_end"))
        if self.ignores_day:
            first = last = first - timedelta(days=1)
        begin, end = _time(asked.query.get("time_start")), _time(asked.query.get("time_end"))
        found: list[Interval] = []
        for step in range(-1, (last - first).days + 2):
            found += self.counters[device].intervals(first + timedelta(days=step), seconds)
        told = [(start + self.clock_ahead, counts) for start, counts in found]
        moved = timedelta(seconds=seconds) if self.label == "end" else timedelta()
        return [
            (start + moved, counts)
            for start, counts in told
            if first <= start.date() <= last
            and (begin is None or start.time() >= begin)
            and (end is None or start.time() <= end)
            and (not self.skips_zeros or counts != (0, 0))
        ]


def _seconds(asked: Seen) -> int | None:
    """Return the interval's length; None for parameters that the guide does not allow."""
    data_format, query = asked.query.get("data_format", "hour"), asked.query
    if data_format == "hour":
        return 3600
    name, unit, default = ("resolution_min", 60, "1") if data_format == "minute" else ("resolution_sec", 1, "10")
    size = query.get(name, default)
    return int(size) * unit if data_format in ("minute", "second") and size in RESOLUTIONS else None


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a local calendar day


def _time(text: str | None) -> time | None:
    return datetime.strptime(text, "%H%M%S").time() if text else None  # noqa: DTZ007 - a local clock
