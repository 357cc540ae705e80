"""Passwords and tokens: looked for in all that is written, logged, raised or shown, after all went wrong."""

import logging
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from emulators.http_server import Fault
from orchestration.sources.contract import Window
from tests.sources.footfallcam.conftest import DAY, SECRET, everything_written, quick, reasons, take
from tests.sources.footfallcam.test_footfallcam_cube import FEED as CUBE
from tests.sources.footfallcam.test_footfallcam_cube import ask_account  # noqa: F401 - a fixture
from tests.sources.footfallcam.test_footfallcam_export import FEED as EXPORT
from tests.sources.footfallcam.test_footfallcam_export import ask_export  # noqa: F401 - a fixture

DAYS = Window(DAY, DAY + timedelta(days=6))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Repeat the whole request in the answer, as careless error pages do."""
    said = f"{scope['query_string'].decode()} {dict(Request(scope).headers)}"
    await PlainTextResponse(said)(scope, receive, send)


async def echo_error(scope: Scope, receive: Receive, send: Send) -> None:
    """Repeat the request in an error page."""
    said = f"cannot: {scope['query_string'].decode()} {dict(Request(scope).headers)}"
    await PlainTextResponse(said, 418)(scope, receive, send)


def faults(where: str) -> list[Fault]:
    found = [echo, echo_error, Response("oops", 500), Response("<html>"), Response("no", 403), Response("", 302)]
    return [Fault(answer, where=where) for answer in found]


@pytest.fixture
def nothing_leaks(caplog, capsys):
    caplog.set_level(logging.DEBUG)

    def check(home, result, connector, *secrets: str) -> None:
        shown = capsys.readouterr()
        said = [repr(item) for item in result.failures]
        said += [caplog.text, shown.out, shown.err, repr(connector), repr(connector.tokens), str(connector.settings)]
        written = everything_written(home.settings.home)
        for secret in (SECRET, *secrets):
            assert secret.encode() not in written
            assert not any(secret in text for text in said)

    return check


def test_a_counters_password_and_tokens_are_nowhere(ask_network, network, nothing_leaks):
    network.server.faults = [*faults("apiCount"), Fault(echo_error, where="/d2/cgi-bin/access_token")]
    home = ask_network()
    result = take(home, window=DAYS)
    assert {"secret_in_answer", "http_418"} <= set(reasons(result))
    network.api.revoke()
    take(home, window=DAYS)
    nothing_leaks(home, result, quick(home, "footfallcam_device"), *network.api.given)


def test_a_refused_password_is_nowhere(ask_network, network, nothing_leaks):
    network.api.passwords = {"d1": "other", "d2": "other"}
    home = ask_network()
    nothing_leaks(home, take(home, window=DAYS), quick(home, "footfallcam_device"))


def test_the_token_of_a_pasted_url_is_nowhere(ask_export, export, nothing_leaks):  # noqa: F811
    export[1].faults = faults("exportData")
    home = ask_export()
    result = take(home, EXPORT, DAYS)
    assert "refused" in reasons(result)
    nothing_leaks(home, result, quick(home, EXPORT))
    take(home, EXPORT, DAYS)
    nothing_leaks(home, result, quick(home, EXPORT))


def test_an_accounts_password_and_tokens_are_nowhere(ask_account, account, nothing_leaks):  # noqa: F811
    account[1].faults = faults("load")
    home = ask_account()
    result = take(home, CUBE, DAYS)
    account[1].faults = [Fault(echo_error, where="GenerateAccessToken")]
    again = take(home, CUBE, DAYS)
    nothing_leaks(home, result, quick(home, CUBE), *account[0].given)
    nothing_leaks(home, again, quick(home, CUBE), *account[0].given)
