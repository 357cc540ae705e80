"""Bespot's people-counter API as Django REST Framework would serve it: paging, clamping, errors, and http `next` links.

Data is handed in; the faults that the real interface shows (or could) are options of `BespotApi`. What is documented,
seen and inferred of the real one: docs/bespot.md.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from emulators.http_server import seen

BASE = "/api"
VISITS = f"{BASE}/bi/acquisition-metrics/visits/"
OCCUPANCY = f"{BASE}/bi/acquisition-metrics/occupancy/"
LIST_SPELLING = ("in", "out", "diff")  # the field list; the sample bodies say *_metric
SAMPLE_SPELLING = ("in_metric", "out_metric", "diff_metric")

Row = tuple[datetime, str, tuple[int, ...]]
Values = Callable[[tuple[int, ...]], dict[str, int]]


@dataclass
class BespotApi:
    """One tenant. `visits`: store, minute (UTC), (in, out); `occupancy`: store, minute (UTC), people.

    A store that exists and has no minutes is silent, which is not an error. Options may change while it serves.
    """

    visits: Mapping[str, Mapping[datetime, tuple[int, int]]]
    occupancy: Mapping[str, Mapping[datetime, int]] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    user: str = "footfall"
    password: str = field(default="emulated", repr=False)
    default_page_size: int = 1_000
    largest_page_size: int = 10_000
    spelling: Sequence[str] = SAMPLE_SPELLING
    next_host: str = ""  # other than our own: a foreign host
    next_page: str = ""  # other than the next one: a cycle, or nonsense
    drifts: int = 0  # so many later pages come after the data has grown
    wrong_diff: bool = False
    trailing_commas: bool = False
    wrong_count: int = 0  # added to every count

    def application(self) -> Starlette:
        """Make the ASGI application."""
        routes = [Route(path, answer) for path, answer in ((VISITS, self._visits), (OCCUPANCY, self._occupancy))]
        routes += [Route(path.rstrip("/"), _append_slash) for path in (VISITS, OCCUPANCY)]
        return Starlette(routes=routes)

    async def _visits(self, request: Request) -> Response:
        return self._answer(request, self.visits, self._visit)

    async def _occupancy(self, request: Request) -> Response:
        people = {store: {at: (count,) for at, count in minutes.items()} for store, minutes in self.occupancy.items()}
        return self._answer(request, people, lambda counts: {"occupancy_metric": counts[0]})

    def _visit(self, counts: tuple[int, ...]) -> dict[str, int]:
        entry, leave = counts
        return dict(zip(self.spelling, (entry, leave, entry - leave + int(self.wrong_diff)), strict=True))

    def _answer(
        self, request: Request, data: Mapping[str, Mapping[datetime, tuple[int, ...]]], values: Values
    ) -> Response:
        asked = seen(request)
        if asked.basic != (self.user, self.password):
            missing = "authorization" not in asked.headers
            code = "not_authenticated" if missing else "authentication_failed"
            said = "Authentication credentials were not provided." if missing else "Invalid username/password."
            return _error(401, code, said, {"WWW-Authenticate": 'Basic realm="api"'})
        try:
            first, last = (datetime.fromisoformat(asked.query[key]) for key in ("datetime_gte", "datetime_lte"))
        except (KeyError, ValueError):
            return _error(400, "invalid", "datetime_gte and datetime_lte are required.")
        store = asked.query.get("store_code", "")
        if store and store not in {*self.visits, *self.occupancy}:
            return _error(404, "store_code_not_found", "Store with this store_code not found.")
        chosen = {store: data.get(store, {})} if store else data
        found = [(at, name, row[at]) for name, row in chosen.items() for at in row if first <= at <= last]
        size = self._page_size(asked.query.get("page_size", ""))
        page = asked.query.get("page", "1")
        if page != "1" and self.drifts > 0:
            self.drifts -= 1
            found.append((first, store or "late", tuple(0 for _ in found[0][2])))
        found.sort()
        pages = max(1, -(-len(found) // size))
        if not page.isdecimal() or not 1 <= int(page) <= pages:
            return _error(404, "not_found", "Invalid page.")
        return self._page(request, found, int(page), size, values)

    def _page(self, request: Request, found: list[Row], page: int, size: int, values: Values) -> Response:
        shown = found[(page - 1) * size : page * size]
        body = {
            "count": len(found) + self.wrong_count,
            "next": self._link(request, page + 1) if page * size < len(found) else None,
            "previous": self._link(request, page - 1) if page > 1 else None,
            "results": [
                {"store_code": store, **values(counts), "minute": at.astimezone(self._zone(store)).isoformat()}
                for at, store, counts in shown
            ],
        }
        answer = JSONResponse(body)
        if self.trailing_commas:  # as in the documentation's own sample
            return Response(bytes(answer.body).replace(b"}]", b"},]"), media_type="application/json")
        return answer

    def _page_size(self, text: str) -> int:
        """Clamp as DRF does: too large is the largest; zero, negative or text is the default."""
        size = int(text) if text.isdecimal() else 0
        return min(size, self.largest_page_size) if size > 0 else self.default_page_size

    def _link(self, request: Request, page: int) -> str:
        """Write a link as DRF's replace_query_param does behind a proxy that ends TLS: http, keys sorted."""
        query = parse_qs(request.url.query, keep_blank_values=True)
        query["page"] = [self.next_page or str(page)]
        if page == 1:
            del query["page"]
        host = self.next_host or request.url.netloc
        return urlunsplit(("http", host, request.url.path, urlencode(sorted(query.items()), doseq=True), ""))

    def _zone(self, store: str) -> ZoneInfo:
        return ZoneInfo(self.zones.get(store, "Europe/Athens"))


def _error(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"detail": detail, "code": code, "error_id": secrets.token_hex(8)}
    return JSONResponse(body, status, headers)


async def _append_slash(request: Request) -> Response:
    """Redirect to the address with the slash, as Django does."""
    parts = urlsplit(str(request.url))
    return RedirectResponse(urlunsplit(("http", parts.netloc, f"{parts.path}/", parts.query, "")), 301)


def utc_minute(text: str) -> datetime:
    """Read a minute such as `2026-03-01 12:05`, which is UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
