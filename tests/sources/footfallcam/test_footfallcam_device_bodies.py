"""What emulated counters answer, and what is read in it: shapes, sums, clocks, faults of single rows."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from starlette.responses import Response

from emulators.footfallcam.traffic import Counted
from emulators.http_server import Fault
from orchestration.sources.contract import Window
from orchestration.sources.footfallcam.settings import DeviceSettings
from orchestration.steps import replay
from tests.sources.footfallcam.conftest import DAY, counted, outcomes, quick, raw, reasons, take, truth

COLUMNS = "device_id, interval_start_local, ValueIn, ValueOut"


def of(rows: list[tuple], device: str) -> list[tuple]:
    return [row[1:] for row in rows if row[0] == device]


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
