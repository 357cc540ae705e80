"""An account of the vendor's servers: GenerateAccessToken, Sites and Cube's load, all on one address here.

The three are documented or were seen in practice; status 403 for a bad token and the body of Sites are inferred.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.footfallcam.traffic import Counted, hours
from emulators.http_server import seen


@dataclass
class AccountApi:
    """One account. `sites`: truth by site id. Options may change while it serves."""

    sites: Mapping[str, Counted]
    email: str = "shop@example.com"
    password: str = field(default="emulated", repr=False)
    waits: int = 0  # so many questions are answered with `Continue wait`
    waits_for_ever: bool = False
    row_limit: int = 50_000  # of the server, whatever the query says
    is_multi: bool = False  # the other envelope, also where nobody asked for it
    as_text: bool = True
    refuses_all: bool = False
    says: str = ""  # an error with status 200
    tokens: set[str] = field(default_factory=set, repr=False)
    given: list[str] = field(default_factory=list, repr=False)
    queries: list[dict[str, Any]] = field(default_factory=list)

    def application(self) -> Starlette:
        """Make the ASGI application."""
        return Starlette(
            routes=[
                Route("/account/GenerateAccessToken", self._token, methods=["POST"]),
                Route("/api/Sites", self._sites),
                Route("/API/v1/load", self._load, methods=["POST"]),
            ]
        )

    def expire(self) -> None:
        """Forget every token."""
        self.tokens.clear()

    async def _token(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if (body.get("email"), body.get("password")) != (self.email, self.password) or not body.get("expiration"):
            return JSONResponse({"error": "User configuration error", "message": "Account is not upgraded"})
        token = secrets.token_hex(24)
        self.tokens.add(token)
        self.given.append(token)
        return JSONResponse({"AToken": token})

    def _is_refused(self, token: str) -> bool:
        return self.refuses_all or token not in self.tokens

    async def _sites(self, request: Request) -> Response:
        if self._is_refused(seen(request).headers.get("atoken", "")):
            return JSONResponse({"error": "Invalid token"}, 403)
        return JSONResponse([{"BranchId": int(key), "BranchName": f"Site {key}"} for key in self.sites])

    async def _load(self, request: Request) -> Response:
        if self._is_refused(seen(request).headers.get("authorization", "").removeprefix("Bearer ")):
            return JSONResponse({"error": "Invalid token"}, 403)
        if self.says:
            return JSONResponse({"error": self.says})
        if self.waits_for_ever or self.waits > 0:
            self.waits -= 1
            return JSONResponse({"error": "Continue wait"})
        asked = json.loads(await request.body())
        query = asked["query"]
        self.queries.append(query)
        data = self._rows(query)[: min(query["limit"], self.row_limit)]
        if self.is_multi or asked.get("queryType") == "multi":
            return JSONResponse({"queryType": "regularQuery", "results": [{"query": query, "data": data}]})
        return JSONResponse({"query": query, "data": data, "annotation": {}})

    def _rows(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        dimension = query["timeDimensions"][0]
        first, last = (_moment(text, is_end=place == 1) for place, text in enumerate(dimension["dateRange"]))
        wanted = {value for chosen in query.get("filters", []) for value in chosen["values"]} or set(self.sites)
        found: list[tuple[datetime, str, tuple[int, int]]] = []
        for step in range((last.date() - first.date()).days + 1):
            for key in sorted(wanted & set(self.sites)):
                for start, counts in hours(self.sites[key], first.date() + timedelta(days=step)).items():
                    if first <= start <= last:
                        found.append((start, key, counts))
        if dimension["granularity"] == "day":
            found = _by_day(found)
        return [self._row(query, start, key, counts) for start, key, counts in sorted(found)]

    def _row(self, query: dict[str, Any], start: datetime, key: str, counts: tuple[int, int]) -> dict[str, Any]:
        dimension = query["timeDimensions"][0]
        kind = str if self.as_text else int
        texts = dict(zip(query["dimensions"], (key, f"S{key}", f"Site {key}", "1"), strict=False))
        written = start.isoformat(timespec="milliseconds")
        times = {f"{dimension['dimension']}.{dimension['granularity']}": written, dimension["dimension"]: written}
        values = dict(zip(query["measures"], (kind(counts[0]), kind(counts[1]), None), strict=False))
        return {**texts, **times, **values}


def _by_day(found: list[tuple[datetime, str, tuple[int, int]]]) -> list[tuple[datetime, str, tuple[int, int]]]:
    sums: dict[tuple[datetime, str], tuple[int, int]] = {}
    for start, key, (entry, leave) in found:
        midnight = datetime.combine(start.date(), datetime.min.time())
        before = sums.get((midnight, key), (0, 0))
        sums[midnight, key] = (before[0] + entry, before[1] + leave)
    return [(start, key, counts) for (start, key), counts in sums.items()]


def _moment(text: str, *, is_end: bool) -> datetime:
    """Read an end of a dateRange: a date stands for its first or last moment."""
    if len(text) == len("2026-03-02"):
        day = date.fromisoformat(text)
        return datetime.combine(day, datetime.max.time() if is_end else datetime.min.time())
    return datetime.fromisoformat(text)
