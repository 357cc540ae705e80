"""Parsing without sockets: times, XML from outside, addresses, and what Hypothesis makes of damaged answers."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.sources.contract import Channel, Landed, Refused, Unreadable
from orchestration.sources.xml import each, local_name, read_xml, text_of
from orchestration.sources.xovis import open_feed
from orchestration.sources.xovis.address import read_address, serial_in
from orchestration.sources.xovis.request import Requested, name_in_hand, name_request
from orchestration.sources.xovis.times import day_bounds, instant
from tests.sources.xovis.conftest import NOW
from tests.sources.xovis.staging import DATA_TYPES, declared_columns

AT = datetime(2021, 3, 5, 12, 43, 22, tzinfo=UTC)
FEEDS = ("xovis_history", "xovis_live", "xovis_status", "xovis_legacy", "xovis_document")


@pytest.mark.parametrize(
    "value",
    [
        1614948202000, 1614948202, 1614948202.0, "1614948202000", "2021-03-05T12:43:22Z", "2021-03-05T13:43:22+01:00",
        "2021-03-05T13:43:22.000+0100", "2021-03-05T13:43:22.000 CET", "2021-03-05T18:13:22+05:30",
        "2021-03-05T12:43:22 UTC",
    ],
)  # fmt: skip
def test_every_documented_time_is_the_same_instant(value: object) -> None:
    assert instant(value) == AT


def test_an_abbreviation_means_what_it_means_where_the_sensor_stands() -> None:
    assert instant("2021-03-05T18:13:22 IST", "Asia/Kolkata") == AT
    repeated = [instant(f"2026-10-25T02:30:00 {name}", "Europe/Zurich") for name in ("CEST", "CET")]
    assert repeated[1] - repeated[0] == timedelta(hours=1)


@pytest.mark.parametrize("value", [None, True, "", "2021-03-05T13:43:22", "2021-03-05T13:43:22 IST", "soon", 1e300])
def test_a_time_that_could_mean_two_things_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant(value)


def test_days_of_a_clock_change_are_shorter_and_longer() -> None:
    spans = [
        end - begin
        for begin, end in (day_bounds(day, "Europe/Athens") for day in (date(2026, 3, 29), date(2026, 10, 25)))
    ]
    assert spans == [timedelta(hours=23), timedelta(hours=25)]


@pytest.mark.parametrize(
    ("written", "base", "context"),
    [
        ("10.0.0.5", "https://10.0.0.5", "singlesensor"),
        ("http://10.0.0.5:8080/", "http://10.0.0.5:8080", "singlesensor"),
        ("10.0.0.5#legacy", "https://10.0.0.5", "legacy"),
        ("https://hub/devices/M/tunnel#multisensors/3", "https://hub/devices/M/tunnel", "multisensors/3"),
    ],
)
def test_an_address_says_where_and_which_interface(written: str, base: str, context: str) -> None:
    address = read_address(written)
    assert (address.base_url, address.context) == (base, context)


def test_an_interface_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused, match="no interface"):
        read_address("10.0.0.5#config/reset")


def test_a_serial_is_the_same_however_it_is_written() -> None:
    assert serial_in("02:00:5e:00:00:01/door") == serial_in("02-00-5E-00-00-01") == "02005E000001"
    assert serial_in("door-1") == ""


def test_a_request_is_read_back_from_its_name() -> None:
    begin, end = day_bounds(date(2026, 3, 29), "Europe/Athens")
    params = {"begin": int(begin.timestamp() * 1000), "end": int(end.timestamp() * 1000)}
    name = name_request("https://s/api/v5/x", params, "Europe/Athens", NOW)
    connector = open_feed("xovis_history", {})
    assert connector is not None
    found = Requested.of(connector.payload(name, b"", NOW, Channel.API, None), "UTC")
    assert (found.begin, found.end, found.zone) == (begin, end, "Europe/Athens")
    assert name_in_hand("02_00_5e_00_00_01_2026-03-29.xml") == ("02:00:5e:00:00:01", date(2026, 3, 29))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_body"),
        (b"<!DOCTYPE html><html></html>", "html_instead_of_xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "xml_forbidden"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "xml_forbidden"),
        (b"<a><b></a>", "not_xml"),
        (b"<?xml version='1.0' encoding='nonsense'?><a/>", "not_xml"),
        (b"<a>" + b"x" * 200 + b"</a>", "xml_too_large"),
    ],
)
def test_hostile_or_broken_xml_is_never_read(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_xml(content, 150)
    assert caught.value.reason == reason


def test_elements_are_found_whatever_their_prefix() -> None:
    root = read_xml(b'<p:a xmlns:p="urn:1" xmlns:q="urn:2"><q:b><c> 7 </c></q:b></p:a>')
    assert (local_name(root), text_of(root, "b", "c"), text_of(root, "x", "c")) == ("a", "7", "")
    assert len(list(each(root, "c"))) == 1


def landed(name: str, content: bytes) -> tuple[object, Landed]:
    connector = open_feed(name, {})
    assert connector is not None
    payload = connector.payload("door_2026-03-30.json", content, NOW, Channel.API, None)
    return connector, Landed("d", payload, NOW)


FIELDS = (
    "config counts logics logic measurements begin end records id value name time content element sensor-time status "
    "data failures device/info info/alive code live-data label time/state details data/history/status storage from"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=6),
    max_leaves=30,
)


@pytest.mark.parametrize("name", FEEDS)
@settings(deadline=None)
@given(value=json_values)
def test_no_answer_however_odd_breaks_parsing(name: str, value: object) -> None:
    connector, item = landed(name, json.dumps(value).encode())
    parsed = connector.parse([item])  # type: ignore[attr-defined]
    assert parsed.rows.schema == connector.schema  # type: ignore[attr-defined]
    [outcome] = parsed.outcomes
    assert outcome.state in ("parsed", "empty", "unreadable")
    assert (outcome.state == "parsed") == (parsed.rows.num_rows > 0)


frames = st.integers() | st.integers(0, 4 * 10**12) | st.sampled_from(["2026-03-30T10:00:00Z", None, 1e300, "x"])
bins = st.fixed_dictionaries(
    {
        "begin": frames,
        "end": frames,
        "counts": st.lists(st.fixed_dictionaries({"id": st.just(1), "value": json_values})),
    }
)


@settings(deadline=None)
@given(measurements=st.lists(bins, max_size=5))
def test_no_bin_however_odd_breaks_history(measurements: list) -> None:
    config = {"counts": [{"id": 1, "logic_id": 2, "name": "fw"}]}
    connector, item = landed("xovis_history", json.dumps({"config": config, "measurements": measurements}).encode())
    parsed = connector.parse([item])  # type: ignore[attr-defined]
    assert all(row["value"] >= 0 for row in parsed.rows.to_pylist() if row["counted_as"])


@pytest.mark.parametrize("name", FEEDS)
@settings(deadline=None)
@given(content=st.binary(max_size=60))
def test_no_bytes_however_broken_break_parsing(name: str, content: bytes) -> None:
    connector, item = landed(name, content)
    [outcome] = connector.parse([item]).outcomes  # type: ignore[attr-defined]
    assert outcome.state in ("empty", "unreadable", "parsed")


@pytest.mark.parametrize(
    "table",
    [
        {"password": "x"},
        {"verify": False, "fingerprints": ["0" * 64]},
        {"fingerprints": ["12"]},
        {"timezone": "Athens"},
        {"resolution_min": 7},
        {"entry_counters": ["fw"], "exit_counters": ["fw"]},
        {"sensors": {"a": {"password": "x"}}},
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(table: dict) -> None:
    with pytest.raises(ValueError, match=r"."):
        open_feed("xovis_history", table)


def test_other_names_are_offered_by_profile_and_strangers_are_not() -> None:
    connector = open_feed("xovis_north", {"profile": "xovis_live"})
    assert connector is not None
    assert (connector.feed.name, connector.feed.table) == ("xovis_north", "xovis_live")
    assert open_feed("sales", {}) is None


def test_dbt_is_told_the_columns_that_parsing_gives() -> None:
    declared = declared_columns()
    for name in FEEDS:
        connector = open_feed(name, {})
        assert connector is not None
        assert declared[name] == {item.name: DATA_TYPES.get(str(item.type), "varchar") for item in connector.schema}
