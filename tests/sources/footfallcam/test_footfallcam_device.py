"""Asking emulated counters through real sockets: what comes, what fails, and what a failure costs."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from starlette.responses import Response

from emulators.footfallcam.traffic import Counted
from emulators.http_server import Fault, cut_body, hang
from orchestration.catalogue import ConfigurationError
from orchestration.sources.contract import Asked, Device, Payload, Window
from orchestration.sources.footfallcam.device_request import day_queries
from orchestration.sources.footfallcam.settings import DeviceSettings
from orchestration.steps import ingest, replay
from tests.sources.footfallcam.conftest import DAY, SECRET, counted, outcomes, quick, raw, reasons, take, truth

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


@pytest.mark.parametrize("data_format", ["hour", "minute", "second"])
@pytest.mark.parametrize("data_type", ["json", "xml"])
@pytest.mark.parametrize("shape", ["flat", "wrapped", "typed"])
def test_every_shape_in_json_and_xml_gives_the_same_rows(ask_network, network, data_format, data_type, shape):
    network.api.shape = shape
    home = ask_network(f"data_type = '{data_type}'\ndata_format = '{data_format}'\nresolution_sec = 30\n", "d1")
    assert reasons(take(home)) == []
    seconds = {"hour": 3600, "minute": 60, "second": 30}[data_format]
    assert of(raw(home, COLUMNS), "d1") == truth(network.api.counters["d1"], seconds)


def test_sums_are_equal_at_every_resolution(ask_network, network):
    sums = set()
    for resolution in (1, 5, 10, 15, 30, 60):
        home = ask_network(f"resolution_min = {resolution}\n", "d1")
        take(home)
        rows = raw(home, "ValueIn, ValueOut")
        assert len(rows) == 1440 // resolution
        sums.add((sum(row[0] for row in rows), sum(row[1] for row in rows)))
        for file in home.raw.root.rglob("*.parquet"):
            file.unlink()
        (home.settings.home / "ledger.sqlite").unlink()
    assert len(sums) == 1
    assert sums.pop() == tuple(map(sum, zip(*(row[1:] for row in truth(network.api.counters["d1"])), strict=True)))


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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!DOCTYPE html><html>Service unavailable</html>", "html_instead_of_json"),
        (b'[{"Timestamp": "2026-03-02 00:00:00", "ValueIn": 1', "not_json"),
        (b"", "empty_body"),
        (b'{"result": 7}', "unknown_shape"),
        (b'{"Data": [{"When": 1}]}', "unknown_shape"),
    ],
)
def test_a_body_that_cannot_be_read_is_kept_with_its_reason(ask_network, network, content, reason):
    network.server.faults.append(Fault(Response(content), where="/d1/cgi-bin/apiCount"))
    home = ask_network()
    result = take(home)
    assert (result.kept, result.unreadable) == (2, 1)
    assert outcomes(home) == {"d1": f"unreadable {reason}", "d2": "parsed"}
    take(home)
    assert {row[0] for row in raw(home, COLUMNS)} == {"d1", "d2"}


def test_an_unknown_shape_is_replayable_once_its_names_are_known(ask_network, network):
    body = b'[{"at": "2026-03-02 10:00:00", "in": "4", "out": 3}]'
    network.server.faults.append(Fault(Response(body), where="apiCount"))
    home = ask_network("data_format = 'hour'\n", "d1")
    assert take(home).unreadable == 1
    settings = replace(quick(home, "footfallcam_device"), settings=_named(home))
    assert replay(home, settings, DAY, DAY).rows == 1
    assert raw(home, "ValueIn, ValueOut") == [(4, 3)]


def _named(home) -> DeviceSettings:
    table = {"data_format": "hour", "fields": {"time": "at", "entry": "in", "exit": "out"}}
    return DeviceSettings.model_validate({**home.catalogue["footfallcam_device"].settings.model_dump(), **table})


def test_a_body_cut_short_is_asked_again(ask_network, network):
    network.server.faults.append(Fault(cut_body, where="apiCount"))
    assert reasons(take(ask_network(devices="d1"))) == []


def test_a_counter_that_does_not_answer_in_time_is_unreachable(ask_network, network):
    network.server.faults.append(Fault(hang, times=99, where="/d1/cgi-bin/apiCount"))
    home = ask_network("timeout_seconds = 0.2\n")
    assert reasons(take(home)) == ["unreachable"]
    assert {row[0] for row in raw(home, COLUMNS)} == {"d2"}


def test_gaps_stay_gaps_and_zeros_are_zeros(ask_network, network):
    minutes = dict(network.api.counters["d1"].minutes)
    gap = [at for at in minutes if at.date() == DAY and at.hour == 9]
    for at in gap:
        del minutes[at]
    network.api.counters = {"d1": Counted("Europe/Vienna", minutes)}
    home = ask_network(devices="d1")
    take(home)
    rows = raw(home, "interval_start_local, ValueIn, ValueOut")
    assert len(rows) == 1440 - 60
    assert any(row[1:] == (0, 0) for row in rows)
    assert not any(row[0].hour == 10 for row in rows)


def test_nothing_counted_is_an_empty_delivery_and_not_a_missing_one(ask_network, network):
    network.api.skips_zeros = True
    network.api.counters = {"d1": Counted("Europe/Vienna", dict.fromkeys(counted().minutes, (0, 0)))}
    home = ask_network(devices="d1")
    assert take(home).kept == 1
    assert outcomes(home) == {"d1": "empty no_rows"}


def test_a_repeated_hour_keeps_both_passes_in_order(ask_network, network):
    day = date(2026, 10, 25)
    network.api.counters = {"d1": counted(3, (day,))}
    home = ask_network(devices="d1")
    take(home, window=Window(day, day))
    rows = raw(home, "_row_number, interval_start_local, ValueIn, ValueOut", order="_row_number")
    assert len(rows) == 25 * 60
    assert [row[1:] for row in rows] == [(start, *c) for start, c in network.api.counters["d1"].intervals(day, 60)]


def test_a_clock_half_a_day_ahead_is_told_by_the_date_header_and_its_counts_are_not_believed(ask_network, network):
    network.api.clock_ahead = timedelta(hours=12)
    home = ask_network(devices="d1")
    assert take(home).unreadable == 1
    assert outcomes(home) == {"d1": "unreadable clock_suspect"}
    tolerant = home.catalogue["footfallcam_device"].settings.model_copy(update={"clock_tolerance_seconds": 50_000.0})
    assert replay(home, replace(quick(home, "footfallcam_device"), settings=tolerant), DAY, DAY).rows == 1440


def test_a_clock_that_writes_twelve_hours_is_told_by_its_labels(ask_network, network):
    network.api.has_half_day_clock = True
    home = ask_network(devices="d1")
    assert take(home).unreadable == 1
    assert outcomes(home) == {"d1": "unreadable clock_suspect"}


def test_local_time_written_as_gmt_in_the_header_is_no_clock_error(ask_network, network):
    now = datetime.now(UTC)
    local = now.astimezone(ZoneInfo("Europe/Vienna")).utcoffset()
    assert local
    header = (now + local).strftime("%a, %d %b %Y %H:%M:%S GMT")
    body = b'[{"Timestamp": "2026-03-02 10:00:00", "ValueIn": 1, "ValueOut": 1}]'
    network.server.faults.append(Fault(Response(body, headers={"Date": header}), where="apiCount"))
    home = ask_network(devices="d1")
    take(home)
    assert outcomes(home) == {"d1": "parsed"}


def test_numbers_as_text_and_unknown_keys_are_read(ask_network, network):
    network.api.as_text = True
    network.api.extra_keys = {"Battery": 7}
    home = ask_network(devices="d1")
    take(home)
    assert of(raw(home, COLUMNS), "d1") == truth(network.api.counters["d1"])


def test_a_row_without_its_key_is_rejected_by_name(ask_network, network):
    body = b"""[{"Timestamp": "2026-03-02 10:00:00", "ValueIn": 1, "ValueOut": 1},
                {"Timestamp": "2026-03-02 10:01:00", "ValueIn": 1}, {"Timestamp": "soon", "ValueIn": 1, "ValueOut": 1},
                {"Timestamp": "2026-03-02 10:02:00", "ValueIn": -1, "ValueOut": 1},
                {"Timestamp": "2026-03-02 10:03:00", "ValueIn": 1.5, "ValueOut": 1},
                {"Timestamp": "2026-03-02 10:04:30", "ValueIn": 1, "ValueOut": 1},
                {"Timestamp": "2026-03-03 10:04:00", "ValueIn": 1, "ValueOut": 1}]"""
    network.server.faults.append(Fault(Response(body), where="apiCount"))
    home = ask_network(devices="d1")
    result = take(home)
    assert (result.rows, result.rejected_rows) == (1, 6)
    found = raw(home, "line_number, column_name, reason", "rejected")
    assert found == [
        (2, "ValueOut", "blank_value"), (3, "Timestamp", "bad_timestamp"), (4, "ValueIn", "negative_count"),
        (5, "ValueIn", "not_whole"), (6, "Timestamp", "off_grid"), (7, "Timestamp", "outside_request"),
    ]  # fmt: skip


def test_rows_of_another_day_than_was_asked_for_are_rejected(ask_network, network):
    network.api.ignores_day = True
    home = ask_network(devices="d1")
    take(home)
    assert outcomes(home) == {"d1": "unreadable every_row_rejected"}


def test_a_label_at_the_end_of_an_interval_is_put_back_to_its_start(ask_network, network):
    network.api.label = "end"
    home = ask_network("bucket_label = 'end'\n", "d1")
    take(home)
    assert of(raw(home, COLUMNS), "d1") == truth(network.api.counters["d1"])


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
