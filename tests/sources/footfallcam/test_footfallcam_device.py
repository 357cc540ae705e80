"""Asking emulated counters through real sockets: what comes, what fails, and what a failure costs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import Response

from emulators.footfallcam.traffic import Counted
from emulators.http_server import Fault, cut_body, hang
from orchestration.catalogue import ConfigurationError
from orchestration.sources.contract import Asked, Device, Payload, Window
from orchestration.sources.footfallcam.device_request import day_queries
from orchestration.sources.footfallcam.settings import DeviceSettings
from orchestration.steps import ingest
from tests.sources.footfallcam.conftest import DAY, SECRET, counted, quick, raw, reasons, take, truth

COLUMNS = "device_id, interval_start_local, ValueIn, ValueOut"


def of(rows: list[tuple], device: str) -> list[tuple]:
    return [row[1:] for row in rows if row[0] == device]


def test_raw_equals_what_the_counters_counted(ask_network, network):
    home = ask_network()
    result = take(home)
    assert (result.kept, result.rows, reasons(result)) == (2, 2880, [])
    rows = raw(home, COLUMNS)
    for device in ("d1", "d2"):
        assert of(rows, device) == truth(network.api.counters[device])
    assert network.token_requests == 2


@pytest.mark.parametrize("key", ["resolution_sec = 7", "resolution_min = 2", "data_format = 'day'", "password = 'x'"])
def test_what_the_guide_does_not_allow_is_refused_before_anything_is_asked(ask_network, network, key):
    with pytest.raises(ConfigurationError):
        ask_network(f"{key}\n")
    assert network.server.requests == []


@pytest.mark.parametrize("greeting", ["text", "quoted", "json"])
def test_a_token_is_found_in_whatever_body_it_comes(ask_network, network, greeting):
    network.api.greeting = greeting
    assert reasons(take(ask_network(devices="d1"))) == []


def test_a_token_is_kept_from_run_to_run_and_renewed_once_when_it_is_refused(ask_network, network):
    home = ask_network(devices="d1")
    connector = quick(home, "footfallcam_device")
    for _ in range(2):
        assert reasons(ingest(home, connector, Window(DAY, DAY))) == []
    assert network.token_requests == 1
    network.api.revoke()
    assert reasons(ingest(home, connector, Window(DAY, DAY + timedelta(days=3)))) == []
    assert network.token_requests == 2


@pytest.mark.parametrize("refusal", ["401", "200"])
def test_a_token_that_is_always_refused_is_asked_for_twice_and_no_more(ask_network, network, refusal):
    network.api.refusal = refusal
    real = network.api._new_token
    network.api._new_token = lambda device: (real(device), network.api.revoke())[0]
    result = take(ask_network(devices="d1"), window=Window(DAY, DAY + timedelta(days=5)))
    assert reasons(result) == ["refused"]
    assert network.token_requests == 2


def test_a_user_in_the_wrong_case_is_refused_and_the_counter_left_alone(ask_network, network):
    result = take(ask_network("user = 'Admin'\n", "d1"), window=Window(DAY, DAY + timedelta(days=5)))
    assert reasons(result) == ["refused"]
    assert (network.token_requests, network.count_requests) == (1, 0)


def test_a_login_page_instead_of_a_token_has_a_reason_of_its_own(ask_network, network):
    network.api.greeting = "html"
    assert reasons(take(ask_network(devices="d1"))) == ["no_token"]


def test_passwords_can_be_each_counters_own(ask_network, network, write_home):
    network.api.passwords = {"d1": "first-of-them", "d2": "second-of-them"}
    home = ask_network("password_file = 'secrets/{device_id}'\n")
    folder = home.settings.home / "secrets"
    folder.mkdir()
    (folder / "d1").write_text("first-of-them\n")
    result = take(home)
    assert reasons(result) == ["refused"]
    assert [item.device_id for item in result.failures if item.reason == "refused"] == ["d2"]
    assert {row[0] for row in raw(home, COLUMNS)} == {"d1"}


def test_a_shared_password_that_is_not_there_stops_the_feed(ask_network, network, monkeypatch):
    home = ask_network()
    monkeypatch.delenv("COUNTER_PASSWORD")
    assert [(item.device_id, item.reason) for item in take(home).failures] == [("", "refused")]
    assert network.server.requests == []


def test_counters_without_an_address_are_named(ask_network, write_home):
    home = ask_network("devices = ['d1', 'd9']\n", "d1")
    result = take(home)
    assert [(item.device_id, item.reason) for item in result.failures if item.reason == "no_address"] == [
        ("d9", "no_address")
    ]
    assert result.rows == 1440


def test_plain_http_to_a_network_that_is_not_allowed_is_never_asked(ask_network, network):
    home = ask_network(addresses={"d2": "http://192.0.2.7"})
    result = take(home)
    assert [(item.device_id, item.reason) for item in result.failures if item.reason == "refused"] == [
        ("d2", "refused")
    ]
    assert {row[0] for row in raw(home, COLUMNS)} == {"d1"}


def test_an_unreachable_counter_costs_its_own_days_only(ask_network):
    home = ask_network("connect_timeout_seconds = 1\n", addresses={"d1": "http://127.0.0.1:9"})
    result = take(home, window=Window(DAY, DAY + timedelta(days=5)))
    failed = [(item.device_id, item.reason) for item in result.failures if not item.reason.startswith("ignored_")]
    assert failed == [("d1", "unreachable")]
    assert {row[0] for row in raw(home, COLUMNS)} == {"d2"}


def test_the_other_spelling_of_the_path_is_tried_after_404(ask_network, network):
    network.api.path = "apiCount_cgi"
    assert reasons(take(ask_network(devices="d1"), window=Window(DAY, DAY + timedelta(days=1)))) == []
    paths = [request.path.rpartition("/")[2] for request in network.server.requests if "apiCount" in request.path]
    assert paths == ["apiCount.cgi", "apiCount_cgi", "apiCount_cgi"]


def test_an_error_of_the_server_never_triggers_the_other_spelling(ask_network, network):
    network.server.faults.append(Fault(Response("oops", 500), times=99, where="apiCount"))
    assert reasons(take(ask_network(devices="d1"))) == ["server_error"]
    assert not any("apiCount_cgi" in request.path for request in network.server.requests)


def test_neither_spelling_is_a_failure_once(ask_network, network):
    network.api.path = "elsewhere"
    assert reasons(take(ask_network(devices="d1"), window=Window(DAY, DAY + timedelta(days=3)))) == ["http_404"]


def test_a_body_cut_short_is_asked_again(ask_network, network):
    network.server.faults.append(Fault(cut_body, where="apiCount"))
    assert reasons(take(ask_network(devices="d1"))) == []


def test_a_counter_that_does_not_answer_in_time_is_unreachable(ask_network, network):
    network.server.faults.append(Fault(hang, times=99, where="/d1/cgi-bin/apiCount"))
    home = ask_network("timeout_seconds = 0.2\n")
    assert reasons(take(home)) == ["unreachable"]
    assert {row[0] for row in raw(home, COLUMNS)} == {"d2"}


def test_a_day_that_came_whole_is_not_asked_again_unless_it_is_named(ask_network, network):
    today = datetime.now(UTC).date()
    days = tuple(today - timedelta(days=back) for back in range(5))
    network.api.counters = {"d1": counted(5, days)}
    home = ask_network("restates_days = 2\n", "d1")
    assert take(home, window=None).kept == 2
    before = network.count_requests
    assert take(home, window=None).kept == 0
    assert network.count_requests == before
    result = take(home, window=Window(days[1], days[1]))
    assert (result.kept, result.duplicates) == (0, 1)


def test_only_days_and_hours_that_are_over_are_asked_for():
    now = datetime(2026, 3, 2, 9, 20, tzinfo=UTC)
    asked = Asked(None, None, [], lambda *_: None, lambda *_: False, lambda: now)  # type: ignore[arg-type]
    over = list(day_queries(DeviceSettings(restates_days=2), asked, "Europe/Vienna"))
    assert [query.params["date_start"] for query in over] == ["20260228", "20260301"]
    with_today = list(day_queries(DeviceSettings(restates_days=1, include_today=True), asked, "Europe/Vienna"))
    assert with_today[-1].params["time_start"] == "000000"
    assert with_today[-1].params["time_end"] == "095959"
    midnight = replace(asked, now=lambda: datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    assert all(
        query.time_end is None for query in day_queries(DeviceSettings(include_today=True), midnight, "Europe/Vienna")
    )


def test_three_hundred_counters_are_asked_side_by_side_but_each_one_question_at_a_time(network, tmp_path, monkeypatch):
    names = [f"c{number:03}" for number in range(300)]
    network.api.counters = dict.fromkeys(names, Counted("UTC", {datetime(2026, 3, 2, 9, tzinfo=UTC): (1, 1)}))
    network.api.passwords = dict.fromkeys(names, SECRET)
    network.server.latency_seconds = 0.005
    from pydantic import SecretStr

    from orchestration.sources.footfallcam import open_feed

    connector = open_feed("footfallcam_device", {"allow_plain_http": ["127.0.0.0/8"], "password_env": "X"})
    assert connector
    devices = [Device("footfallcam", name, "", network.api.address(network.server.url, name), "UTC") for name in names]
    asked = Asked(
        tmp_path, Window(DAY, DAY), devices, lambda *_: SecretStr(SECRET), lambda *_: False, lambda: datetime.now(UTC)
    )
    found = list(connector.fetch(asked))
    assert len({item.device_id for item in found if isinstance(item, Payload)}) == 300
    assert 8 < network.server.most_at_once <= 48
    assert len(found) == 300
