"""A fleet of emulated sensors behind one server, each below `/sensors/<number>`, as a central system tunnels to them.

Logins, routing and what goes wrong in an answer. A path that resets, deletes or configures answers 200 here: whoever
calls one finds out in the test that reads the server's log.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulators.xovis import firmware5, legacy
from emulators.xovis.sensors import MINUTE, EmulatedSensor

PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
_PUBLIC = ("device/info", "device/state", "device/id")


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")


@dataclass
class Fleet:
    """An ASGI application. `tokens`: how often each may still be used, by (sensor, token)."""

    sensors: Mapping[str, EmulatedSensor]
    user: str = "admin"
    password: str = "pass"  # noqa: S105 - the factory default that installers leave
    tokens: dict[tuple[str, str], int] = field(default_factory=dict)
    logins: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        parts = request.url.path.strip("/").split("/", 2)
        sensor = self.sensors.get(parts[1]) if len(parts) == 3 and parts[0] == "sensors" else None
        if sensor is None:
            answer = Response(PAGE, 404, media_type="text/html")
        else:
            if sensor.delay_seconds:
                await asyncio.sleep(sensor.delay_seconds)
            answer = self._spoilt(sensor, parts[2], self._answer(parts[1], sensor, parts[2], request))
        await answer(scope, receive, send)

    def _answer(self, key: str, sensor: EmulatedSensor, path: str, request: Request) -> Response:
        query = dict(request.query_params)
        if path == "api/v1/occupancy/current":
            return _json(self._document(sensor, query))
        if path == "api/v5/users/login" or path == "api/auth/token":
            return self._login(key, sensor, path, request)
        short = path.removeprefix("api/v5/") if sensor.generation == 5 else path.removeprefix("api/")
        if short not in _PUBLIC and not self._is_known(key, request):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="sensor"'})
        if sensor.generation == 5:
            return self._firmware5(sensor, short, query)
        if short == "data/live" and query.get("format") == "json":
            return Response(legacy.live_json(sensor), media_type="application/json")
        document = legacy.DOCUMENTS.get(short)
        return Response(document(sensor), media_type="text/xml") if document else Response(PAGE, 404)

    def _firmware5(self, sensor: EmulatedSensor, path: str, query: dict[str, str]) -> Response:
        if path.startswith(f"{sensor.scene}/"):
            path = path.removeprefix(f"{sensor.scene}/")
            if path in ("data/history/logics", "data/live/logics"):
                body = (firmware5.history if "history" in path else firmware5.live)(sensor, query)
                return _json(body, 400 if "code" in body else 200)
        elif path.startswith(("singlesensor", "multisensor")):
            return Response(PAGE, 403, media_type="text/html")  # not on this model
        document = firmware5.status_documents(sensor).get(path)
        return _json(document()) if document else _json(firmware5.error(10000, "Request failed.", "not found"), 404)

    def _login(self, key: str, sensor: EmulatedSensor, path: str, request: Request) -> Response:
        if not self._is_basic(request):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="sensor"'})
        self.logins += 1
        token = secrets.token_urlsafe(16)
        self.tokens[key, token] = sensor.token_uses
        if path.startswith("api/v5"):
            if request.method != "POST":
                return Response(status_code=405)
            return _json({"token": token, "valid_for": 86400, "max_unused_for": 3600}, 201)
        return Response(token, media_type="text/plain")

    def _is_basic(self, request: Request) -> bool:
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {pair}"

    def _is_known(self, key: str, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            return self._is_basic(request)
        left = self.tokens.get((key, token), 0)
        self.tokens[key, token] = left - 1
        return left > 0

    def _spoilt(self, sensor: EmulatedSensor, path: str, answer: Response) -> Response:
        """Put the sensor's fault in place of an answer, where its path holds `fault_where`."""
        if sensor.fault_where not in path:
            return answer
        body = bytes(answer.body)
        match sensor.fault:
            case "html":
                return Response(PAGE, media_type="text/html")
            case "html_403":
                return Response(PAGE, 403, media_type="text/html")
            case "empty":
                return Response(b"")
            case "unknown":
                return _json({"series": [{"when": 1, "people": 3}]})
            case "truncated":
                return Response(body[: len(body) * 2 // 3], answer.status_code, media_type=answer.media_type)
            case "unauthorized":
                return Response(status_code=401)
            case "throttled":
                return Response(status_code=429)
        return answer

    def _document(self, sensor: EmulatedSensor, query: dict[str, str]) -> object:
        """Answer the unverified dialect in hours, with entry fields of our own invention."""
        begin, end = (datetime.fromisoformat(query[key]) if key in query else sensor.clock for key in ("from", "to"))
        logic, data = sensor.logics[0], []
        while begin < min(end, sensor.clock):
            minutes = [begin + MINUTE * step for step in range(60)]
            counts = [logic.minutes.get(minute, (0, 0)) for minute in minutes]
            data.append(
                {"locationId": query.get("locationId", ""), "from": begin.isoformat(),
                 "to": (begin + 60 * MINUTE).isoformat(), "in": sum(fw for fw, _ in counts),
                 "out": sum(bw for _, bw in counts), "occupancy": 4}
            )  # fmt: skip
            begin += 60 * MINUTE
        return {"status": "success", "timestamp": sensor.clock.isoformat(), "data": data}
