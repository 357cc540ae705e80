"""The portal's export address as one public consumer used it: infoJson, access_token, rows of 39 keys under `Data`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from emulators.footfallcam.traffic import Counted, hours
from emulators.http_server import seen

PATH = "/FootfallCam/exportData"
BLANK_KEYS = (
    "AvgVisitDuration", "NewCustomer", "ReturningCustomer", "LessThanFifteen", "LessThanThirty", "OverThirty",
    "ReturnInWeek", "ZoneID", "Week", "WeekString", "Month", "SiteTags", "SiteTagsCount", "Day", "TransactionCount",
    "SalesAmount", "AvgTransactionValue", "OutsideTraffic", "TurnInRate", "SalesConversion", "Longitude", "Latitude",
    "CoverageDays", "StartOfDate", "ReturningRate",
)  # fmt: skip


@dataclass
class ExportApi:
    """One company's export. `things`: sites by BranchId, or counters by serial. Options may change while it serves."""

    things: Mapping[str, Counted]
    is_counter_level: bool = False
    is_daily: bool = False
    token: str = field(default="48003000450068", repr=False)
    expired: str = ""  # 401, or 200: an error with status 200
    as_text: bool = False
    extra_keys: Mapping[str, Any] = field(default_factory=dict)
    missing_key: str = ""
    entry_override: Any = None  # instead of the count: a blank, a sentinel
    infos: list[dict[str, Any]] = field(default_factory=list)  # every infoJson that came

    def application(self) -> Starlette:
        """Make the ASGI application."""
        return Starlette(routes=[Route(PATH, self._export)])

    def copied_url(self, url: str, day: date = date(2024, 3, 26), **more: Any) -> str:
        """Return what the Copy button gives."""
        written = day.strftime("%d/%m/%Y")
        info = {
            "cat": "0" if self.is_counter_level else "1",
            "id": list(self.things),
            "data": [],
            "fromdate": written,
            "todate": written,
            "period": "0",
            "dateformat": "dd/MM/yyyy",
            "timeformat": "HH:mm:ss",
        }
        query = {"infoJson": json.dumps({**info, **more}, separators=(",", ":")), "access_token": self.token}
        return f"{url}{PATH}?{urlencode(query)}"

    async def _export(self, request: Request) -> Response:
        asked = seen(request).query
        if self.expired or asked.get("access_token") != self.token:
            if self.expired == "200":
                return JSONResponse({"error": "invalid_grant", "message": "The token has expired"})
            return PlainTextResponse("Unauthorized", 401)
        info = json.loads(asked["infoJson"])
        self.infos.append(info)
        first, last = (datetime.strptime(info[key], "%d/%m/%Y").date() for key in ("fromdate", "todate"))  # noqa: DTZ007
        days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
        data = [row for day in days for key in info["id"] for row in self._rows(key, day)]
        return JSONResponse({"Data": data})

    def _rows(self, key: str, day: date) -> list[dict[str, Any]]:
        found = hours(self.things[key], day)
        if self.is_daily and found:
            sums = [sum(counts[side] for counts in found.values()) for side in (0, 1)]
            found = {datetime.combine(day, datetime.min.time()): (sums[0], sums[1])}
        return [self._row(key, start, counts) for start, counts in sorted(found.items())]

    def _row(self, key: str, start: datetime, counts: tuple[int, int]) -> dict[str, Any]:
        kind = str if self.as_text else int
        row: dict[str, Any] = dict.fromkeys(BLANK_KEYS)
        row |= {
            "AggregationStatus": "Completed",
            "VerificationStatus": "Verified",
            "Company": "Company",
            "Site": f" Site {key} ",
            "Counter": key if self.is_counter_level else "",
            "DateTime": start.strftime("%d/%m/%Y %H:%M:%S"),
            "ValueDateTime": start.isoformat(),
            "DateTimeFormat": "dd/MM/yyyy HH:mm:ss",
            "ValueIn": kind(counts[0]) if self.entry_override is None else self.entry_override,
            "ValueOut": kind(counts[1]),
            "BranchId": 26509 if self.is_counter_level else int(key),
            "branchCode": f"S{key}",
            "CameraSerial": key if self.is_counter_level else None,
            "CameraId": 1,
            **self.extra_keys,
        }
        row.pop(self.missing_key, None)
        return row
