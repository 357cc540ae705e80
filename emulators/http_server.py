"""An HTTP server in a thread for emulated vendors: real sockets, real TLS, a log of every request, faults on demand.

What is served is an ASGI application (bespot.py and its siblings); what goes wrong in front of it is decided here.
"""

import asyncio
import base64
import binascii
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import trustme
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"


class Authority:
    """A certificate authority of our own. `ca_file` is what clients are told to trust."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca_file = folder / "emulated-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))

    def context(self, *names: str) -> ssl.SSLContext:
        """Make a server's side of TLS with a certificate for these names or addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        return context


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)

    @property
    def has_credential(self) -> bool:
        """Tell whether any credential came along."""
        return bool({"authorization", "atoken", "cookie"} & self.headers.keys()) or any(
            "token" in name.lower() for name in self.query
        )

    @property
    def basic(self) -> tuple[str, str] | None:
        """Return user and password of HTTP Basic, if that is what came."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, password) if scheme.lower() == "basic" and colon else None


def seen(request: Request | Scope) -> Seen:
    """Read what a request says of itself."""
    scope = request.scope if isinstance(request, Request) else request
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Seen(
        scope["method"],
        scope["path"],
        {name: values[-1] for name, values in query.items()},
        {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
    )


@dataclass
class Fault:
    """What answers instead of the application, so many times, where the address holds `where`.

    `answer` is any ASGI application: a Response with a status, `hang`, `cut_body` or one of the test's own.
    """

    answer: ASGIApp
    times: int = 1
    where: str = ""


async def hang(scope: Scope, receive: Receive, send: Send) -> None:
    """Take the question and never answer."""
    del scope, send
    while (await receive())["type"] != "http.disconnect":
        pass


async def cut_body(scope: Scope, receive: Receive, send: Send) -> None:
    """Promise more bytes than are sent."""
    del scope, receive
    headers = [(b"content-type", b"application/json"), (b"content-length", b"5000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"count": 1, "results": [', "more_body": False})


def unavailable(status: int, **headers: str) -> Response:
    """Make an error answer without a body worth reading, as a proxy gives it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(f"<html><h1>{status}</h1></html>", status, named, "text/html")


@dataclass
class HttpServer:
    """A running server: its address, what it was asked, and what it is told to do wrong. Mutable while it runs."""

    url: str
    requests: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    latency_seconds: float = 0.0
    most_at_once: int = 0
    _now: int = 0

    def fault_for(self, request: Seen, address: str) -> ASGIApp | None:
        """Return what answers instead, if anything does, and count it down."""
        for fault in self.faults:
            if fault.times > 0 and fault.where in address:
                fault.times -= 1
                return fault.answer
        return None

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Keep the largest number of requests at one time."""
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            self._now -= 1


class _Watched:
    """Log every request, wait the latency, and let a fault answer where one is due."""

    def __init__(self, app: ASGIApp, server: HttpServer) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = seen(scope)
        self._server.requests.append(request)
        with self._server.counted():
            if self._server.latency_seconds:
                await asyncio.sleep(self._server.latency_seconds)
            address = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
            await (self._server.fault_for(request, address) or self._app)(scope, receive, send)


class _Announcing(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def serve_http(app: ASGIApp, authority: Authority | None = None, name: str = HOST) -> Iterator[HttpServer]:
    """Serve an application on a free port of the loopback until the block ends; with an authority over TLS.

    uvicorn makes its own socket (port 0): one handed over from socket.create_server() would lack TCP_NODELAY and cost
    40 ms a request.
    """
    server = HttpServer("")
    config = uvicorn.Config(
        _Watched(app, server),
        HOST,
        0,
        log_config=None,
        log_level="critical",  # the access log would hold the parameters that are secrets
        lifespan="off",
        ws="none",
        loop="asyncio",  # uvloop now and then cannot close its loop when a connection is just going away
        timeout_graceful_shutdown=1,
        ssl_context_factory=(lambda _, __: authority.context(name)) if authority else None,
    )
    running = _Announcing(config)
    thread = threading.Thread(target=running.run, name="http-emulator", daemon=True)
    thread.start()
    if not running.listening.wait(10):
        msg = "the emulated HTTP server did not start"
        raise RuntimeError(msg)
    port = running.servers[0].sockets[0].getsockname()[1]
    server.url = f"{'https' if authority else 'http'}://{name}:{port}"
    try:
        yield server
    finally:
        running.should_exit = True
        thread.join(10)
