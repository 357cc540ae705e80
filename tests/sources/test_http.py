"""The HTTP client against a real server over real TLS: what is retried, what is refused, that no secret gets out."""

import asyncio
import gzip
import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import stamina
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from emulators.http_server import Authority, Fault, HttpServer, cut_body, hang, serve_http, unavailable
from orchestration.sources.contract import Refused, SourceError, Throttled, Unreachable, Unreadable
from orchestration.sources.http import (
    Answer,
    Credential,
    Faulty,
    HttpClient,
    HttpSettings,
    Site,
    TooLarge,
    Unexpected,
    masked,
    mismatch,
    read_json,
)
from tests.lived import LOGGERS
from tests.servers.faults import deaf_port
from tests.servers.fixtures import HOST, free_port

SECRET = "Sesame-öffne-dich-77"
pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.fixture(autouse=True)
def secret_stays_put(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    yield
    said = caplog.text + "".join(capfd.readouterr())  # stamina speaks through structlog, which prints
    assert SECRET not in said
    assert basic().secrets[0].get_secret_value() not in said


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def _people(request: Request) -> Response:
    return JSONResponse({"people": 7, "asked": request.url.query})


async def _echo(request: Request) -> Response:
    return Response(f"no such thing: {request.headers.get('authorization')} {request.url.query}", 400)


APP = Starlette(routes=[Route("/api/people/", _people, methods=["GET", "POST"]), Route("/api/echo/", _echo)])


@pytest.fixture
def server(authority: Authority) -> Iterator[HttpServer]:
    with serve_http(APP, authority) as running:
        yield running


@pytest.fixture
def client(authority: Authority) -> HttpClient:
    return make_client(authority)


def make_client(authority: Authority, **changes: object) -> HttpClient:
    table: dict[str, object] = {"ca_file": authority.ca_file, "timeout_seconds": 5, "connect_timeout_seconds": 2}
    return HttpClient(HttpSettings.model_validate({k: v for k, v in (table | changes).items() if v is not None}))


def basic() -> Credential:
    return Credential.basic("footfall", SecretStr(SECRET))


def ask(client: HttpClient, site: Site, path: str = "people/", **options: object) -> Answer:
    (answer,) = client.completed([partial(site.ask, path, **options)])
    return answer


def test_answer_comes_with_credential_and_parameters(client: HttpClient, server: HttpServer) -> None:
    answer = ask(client, client.site(f"{server.url}/api/", basic()), params={"day": "2026-03-01", "page": 2})
    assert (answer.status, read_json(answer.content)) == (200, {"people": 7, "asked": "day=2026-03-01&page=2"})
    assert answer.name == f"{server.url}/api/people/?day=2026-03-01&page=2"
    assert server.requests[0].basic == ("footfall", SECRET)
    assert "cookie" not in server.requests[0].headers


def test_token_travels_as_header_or_parameter_and_never_in_names_or_logs(
    authority: Authority, server: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    token = SecretStr(SECRET.encode("ascii", "ignore").decode())
    for credential in (Credential.token(token), Credential.token(token, "AToken"), Credential.parameter("key", token)):
        client = make_client(authority)
        answer = ask(client, client.site(f"{server.url}/api", credential), params={"access_token": "also-Sesame"})
        assert "Sesame" not in answer.name
    sent = [request.headers.get("authorization", request.headers.get("atoken")) for request in server.requests]
    assert sent == [f"Bearer {token.get_secret_value()}", token.get_secret_value(), None]
    assert server.requests[2].query == {"access_token": "also-Sesame", "key": token.get_secret_value()}
    assert "HTTP Request: GET" in caplog.text
    assert "Sesame" not in caplog.text


def test_message_of_an_error_holds_no_secret_that_the_server_echoes(authority: Authority, server: HttpServer) -> None:
    client = make_client(authority)
    with pytest.raises(Unexpected) as caught:
        ask(client, client.site(f"{server.url}/api", basic()), "echo/", params={"token": "param-Sesame"})
    assert caught.value.reason == "http_400"
    assert b"Basic" in caught.value.answer.content
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.answer)
    encoded = basic().secrets[0].get_secret_value()
    assert not {SECRET, encoded} & {word for word in (SECRET, encoded) if word in shown}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/x?store=1&page=2", "https://h/x?store=1&page=2"),
        ("https://u:p@h:8443/x", "https://***@h:8443/x"),
        ("https://h/x?password=p&access_token=t&AToken=a&api_key=k&user=u", "https://h/x?password=***&access_token=***&AToken=***&api_key=***&user=u"),
        ("https://h/x?token", "https://h/x?token"),
        ("https://h/x#access_token=t", "https://h/x#access_token=***"),
        ("https://h/x?infoJson=%7B%22access_token%22%3A%22t%22%2C%22site%22%3A1%7D", "https://h/x?infoJson=%7B%22access_token%22%3A%22***%22%2C%22site%22%3A1%7D"),
        ("https://h/x?infoJson={'access_token':'t'}", "https://h/x?infoJson=***"),
        ("https://h/x?next=https%3A%2F%2Fh%3Ftoken%3Dt", "https://h/x?next=***"),
        ("https://[bad", "(an address that cannot be read)"),
    ],
)  # fmt: skip
def test_addresses_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "https://u:p@h/", "https://h/?token=x", "h", "https://h:x/"]
)
def test_unsafe_address_is_refused_before_anything_is_sent(client: HttpClient, url: str) -> None:
    with pytest.raises(Refused) as caught:
        client.site(url, basic())
    assert "u:p" not in str(caught.value)


def test_plain_http_gets_no_request_unless_the_table_allows_that_host(authority: Authority) -> None:
    with serve_http(APP) as listener:
        with pytest.raises(Refused, match="only https"):
            make_client(authority, allow_plain_http=["10.0.0.0/8", "localhost"]).site(f"{listener.url}/api", basic())
        assert listener.requests == []
        client = make_client(authority, allow_plain_http=["127.0.0.0/8"])
        assert ask(client, client.site(f"{listener.url}/api", basic())).status == 200
        assert [request.has_credential for request in listener.requests] == [True]


def test_redirects_are_not_followed(client: HttpClient, server: HttpServer) -> None:
    with serve_http(APP) as listener:
        server.faults.append(Fault(RedirectResponse(f"{listener.url}/api/people/?token=t", 301)))
        with pytest.raises(Unexpected, match=r"HTTP 301 to http://127.0.0.1:\d+/api/people/\?token=\*\*\*, which"):
            ask(client, client.site(f"{server.url}/api", basic()))
        assert listener.requests == []


def test_proxies_of_the_environment_are_not_used(
    client: HttpClient, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert ask(client, client.site(f"{server.url}/api", basic())).status == 200


def test_server_that_stumbles_is_asked_again(client: HttpClient, server: HttpServer) -> None:
    site = client.site(f"{server.url}/api", basic())
    server.faults += [Fault(unavailable(500)), Fault(cut_body)]
    assert ask(client, site).status == 200
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("fault", "error"), [(unavailable(500), Faulty), (unavailable(429), Throttled), (cut_body, Unreachable)]
)
def test_attempts_are_bounded(
    client: HttpClient, server: HttpServer, fault: Response, error: type[SourceError]
) -> None:
    stamina.set_testing(True, attempts=99, cap=True)  # the policy's own bound counts
    server.faults.append(Fault(fault, times=99))
    with pytest.raises(error):
        ask(client, client.site(f"{server.url}/api", basic()))
    assert len(server.requests) == client.retry.attempts


def test_silent_server_is_unreachable_and_does_not_hold_us(authority: Authority, server: HttpServer) -> None:
    client = make_client(authority, timeout_seconds=0.1)
    server.faults.append(Fault(hang, times=99))
    with pytest.raises(Unreachable, match="no answer in time"):
        ask(client, client.site(f"{server.url}/api", basic()))


def test_retry_after_is_waited_for_by_every_question(authority: Authority, server: HttpServer) -> None:
    client = make_client(authority)
    site = client.site(f"{server.url}/api", basic())
    server.faults.append(Fault(unavailable(429, Retry_After="1")))
    begun = time.monotonic()
    assert [answer.status for answer in client.completed([partial(site.ask, "people/")] * 5)] == [200] * 5
    assert time.monotonic() - begun >= 1.0
    assert len(server.requests) == 6


def test_retry_after_beyond_our_patience_ends_it_at_once(client: HttpClient, server: HttpServer) -> None:
    site = client.site(f"{server.url}/api", basic())
    server.faults.append(Fault(unavailable(503, Retry_After="Wed, 21 Oct 2099 07:28:00 GMT"), times=99))
    found = list(client.completed([partial(_caught, site)] * 3))
    assert [type(error).__mro__[1] for error in found] == [Throttled] * 3
    assert len(server.requests) == 1


async def _caught(site: Site) -> Exception | Answer:
    try:
        return await site.ask("people/")
    except SourceError as error:
        return error


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_password_is_sent_once_however_many_questions_wait(
    client: HttpClient, server: HttpServer, status: int
) -> None:
    site = client.site(f"{server.url}/api", basic())
    server.faults.append(Fault(unavailable(status), times=99))
    found = list(client.completed([partial(_caught, site)] * 30))
    assert {type(error) for error in found} == {Refused}
    assert len(server.requests) == 1


def test_missing_page_is_the_callers_business(client: HttpClient, server: HttpServer) -> None:
    assert ask(client, client.site(f"{server.url}/api", basic()), "nothing/").status == 404


@pytest.mark.parametrize("packed", [False, True])
def test_body_beyond_the_limit_is_not_read(authority: Authority, server: HttpServer, *, packed: bool) -> None:
    body = b" " * 3_000_000
    headers = {"Content-Encoding": "gzip"} if packed else {}
    server.faults.append(Fault(Response(gzip.compress(body) if packed else body, headers=headers)))
    client = make_client(authority, max_body_bytes=1_000_000)
    with pytest.raises(TooLarge, match="more than 1000000 bytes"):
        ask(client, client.site(f"{server.url}/api", basic()))


def test_certificate_of_somebody_else_is_refused(authority: Authority, tmp_path: Path, server: HttpServer) -> None:
    other = Authority(tmp_path)
    client = make_client(other)
    with pytest.raises(Refused, match=r"(?i)certificate"):
        ask(client, client.site(f"{server.url}/api", basic()))
    client = make_client(authority)
    with pytest.raises(Refused, match=r"(?i)certificate"):
        ask(client, client.site(server.url.replace("127.0.0.1", "localhost"), basic()))
    client = make_client(authority, check_hostname=False)
    assert ask(client, client.site(f"{server.url}/api".replace("127.0.0.1", "localhost"), basic())).status == 200
    assert len(server.requests) == 1
    with pytest.raises(Refused, match="cannot be read"):
        make_client(authority, ca_file=tmp_path / "nothing.pem").site(server.url)


def test_dead_device_costs_its_own_answers_only(authority: Authority, server: HttpServer) -> None:
    with deaf_port() as deaf:
        client = make_client(authority, connect_timeout_seconds=0.3, max_connections=4, concurrency=2)
        dead = [client.site(f"https://{HOST}:{port}/") for port in (deaf, free_port())]
        living = client.site(f"{server.url}/api", basic())
        jobs = [partial(_caught, site) for _ in range(10) for site in (*dead, living)]
        found = list(client.completed(jobs, in_flight=30))
    assert sum(isinstance(item, Answer) for item in found) == 10
    assert sum(isinstance(item, Unreachable) for item in found) == 20
    assert not any(isinstance(item, Answer) for item in found[-5:])  # the dead were last to be done


def test_questions_to_one_origin_are_bounded(authority: Authority, server: HttpServer) -> None:
    server.latency_seconds = 0.02
    client = make_client(authority, concurrency=3)
    site = client.site(f"{server.url}/api", basic())
    assert len(list(client.completed([partial(site.ask, "people/")] * 20))) == 20
    assert server.most_at_once == 3


def test_results_wait_for_the_caller_and_jobs_do_not_run_ahead(client: HttpClient, server: HttpServer) -> None:
    site = client.site(f"{server.url}/api", basic())
    results = client.completed((partial(site.ask, "people/") for _ in range(50)), in_flight=4)
    next(results)
    assert len(server.requests) <= 8
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "http-fetch"]
    assert len(server.requests) < 50


def test_error_of_a_job_is_raised_where_the_caller_is(client: HttpClient, server: HttpServer) -> None:
    async def broken() -> Answer:
        raise LookupError("mine")

    site = client.site(f"{server.url}/api", basic())
    with pytest.raises(LookupError, match="mine"):
        list(client.completed([partial(site.ask, "people/"), broken, partial(site.ask, "people/")]))
    assert not [thread for thread in threading.enumerate() if thread.name == "http-fetch"]


def test_connection_is_closed_when_its_handshake_is_cancelled(client: HttpClient) -> None:
    with socket.create_server((HOST, 0)) as listener:
        site = client.site(f"https://{HOST}:{listener.getsockname()[1]}/", basic())
        accepted: list[socket.socket] = []

        async def broken() -> Answer:
            accepted.append((await asyncio.to_thread(listener.accept))[0])
            assert await asyncio.to_thread(accepted[0].recv, 1)  # the handshake has begun, and nobody will answer
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            list(client.completed([partial(site.ask, "people/"), broken]))
        with accepted[0] as connection:
            connection.settimeout(2)
            while connection.recv(4096):
                pass


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"\xef\xbb\xbf  ", "empty_body"),
        (b"\n<!DOCTYPE html><p>Log in", "html_instead_of_json"),
        (b'{"a": 1,}', "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b"{'a': 1}", "not_json"),
        (b'{"a": 1', "not_json"),
        (b"\xff\xff", "not_json"),
        (b"[" * 100_000, "not_json"),
    ],
)
def test_json_is_read_strictly(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_json(body)
    assert caught.value.reason == reason


def test_page_for_people_is_not_taken_for_xml() -> None:
    assert mismatch(b"<html><body>", "xml") == "html_instead_of_xml"
    assert mismatch(b"  ", "xml") == "empty_body"
    assert mismatch(b'{"a": 1}', "xml") == "not_xml"
    assert mismatch(b"<?xml version='1.0'?><counts/>", "xml") == ""
    assert read_json(b'\xef\xbb\xbf{"a": [1.5, null]}') == {"a": [1.5, None]}


@pytest.mark.parametrize(
    "table",
    [
        {"password": SECRET},
        {"token": SECRET},
        {"password_env": "A", "password_file": "b"},
        {"check_hostname": False},
        {"allow_plain_http": ["10.0.0.0/64"]},
        {"unheard_of": 1},
    ],
)
def test_table_that_cannot_be_meant_is_refused_without_showing_a_secret(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        HttpSettings.model_validate(table)
    assert SECRET not in str(caught.value)


def test_credential_shows_nothing() -> None:
    for credential in (basic(), Credential.parameter("key", SecretStr(SECRET))):
        assert SECRET not in repr(credential)
    for empty in (None, SecretStr("")):
        with pytest.raises(Refused, match="no password"):
            Credential.basic("footfall", empty)
    with pytest.raises(Refused, match="token"):
        Credential.token(SecretStr("a\r\nX: y"))
