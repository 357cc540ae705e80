"""The pasted export URL: what is changed in it, what comes back, and what is refused."""

import json
from datetime import date, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from emulators.footfallcam.traffic import Counted, hours
from emulators.http_server import Fault
from orchestration.catalogue import ConfigurationError
from orchestration.home import Home, open_home
from orchestration.sources.contract import Refused, Window
from orchestration.sources.footfallcam.export_url import read_urls
from orchestration.sources.footfallcam.layouts import KEYS
from tests.sources.footfallcam.conftest import BRANCH, DAY, SECRET, counted, outcomes, raw, reasons, take

FEED = "footfallcam_export_api"


@pytest.fixture
def ask_export(write_home, export, monkeypatch):
    def opened(table: str = "", level: str = "site", time: str = "hourly", *urls: str) -> Home:
        api, server = export
        monkeypatch.setenv("EXPORT_URL", "\n".join(urls) or api.copied_url(server.url))
        counter = "footfallcam,26509,,A1,entrance,,,,,,\n"
        settings = f"[feeds.{FEED}]\nurl_env = 'EXPORT_URL'\nallow_plain_http = ['127.0.0.0/8']\n"
        settings += f"data_aggregation = '{level}'\ntime_aggregation = '{time}'\n"
        return open_home(write_home(BRANCH, counter, feeds=settings + table))

    return opened


def told(things: dict[str, Counted], key: str) -> list[tuple]:
    return sorted((start, *counts) for start, counts in hours(things[key], DAY).items())


@pytest.mark.parametrize("as_text", [False, True])
def test_raw_equals_what_the_portal_tells(ask_export, export, as_text):
    export[0].as_text = as_text
    home = ask_export()
    result = take(home, FEED)
    assert (result.kept, result.rows, reasons(result)) == (1, 48, [])
    rows = raw(home, "BranchId, interval_start_local, ValueIn, ValueOut", FEED)
    for key in export[0].things:
        assert [row[1:] for row in rows if row[0] == key] == told(export[0].things, key)


def test_all_known_keys_are_kept_as_they_are_and_unknown_ones_too(ask_export, export):
    export[0].extra_keys = {"Zone7": [1, 2]}
    home = ask_export()
    take(home, FEED)
    columns = ", ".join(f'"{key}"' for key in (*KEYS, "unknown_keys"))
    row = dict(zip((*KEYS, "unknown_keys"), raw(home, columns, FEED)[0], strict=True))
    assert row["AggregationStatus"] == "Completed"
    assert row["VerificationStatus"] == "Verified"
    assert row["Site"].startswith(" Site 265")
    assert row["Longitude"] == ""
    assert json.loads(row["unknown_keys"]) == {"Zone7": [1, 2]}
    assert raw(home, "distinct is_final", FEED) == [(None,)]


def test_a_status_is_final_only_where_somebody_declared_the_words(ask_export):
    home = ask_export("complete_status = ['Completed', 'Verified']\n")
    take(home, FEED)
    assert raw(home, "distinct is_final", FEED) == [(True,)]


@pytest.mark.parametrize("key", ["ValueIn", "VerificationStatus", "CoverageDays"])
def test_a_missing_key_is_a_schema_error_that_names_it(ask_export, export, key):
    export[0].missing_key = key
    home = ask_export()
    assert take(home, FEED).unreadable == 1
    with home.ledger.begin() as connection:
        said = connection.exec_driver_sql("select reason, message from deliveries").fetchone()
    assert said is not None
    assert said[0] == "missing_keys"
    assert key in said[1]


def test_a_key_that_is_gone_for_good_can_be_done_without(ask_export, export):
    export[0].missing_key = "CoverageDays"
    home = ask_export("optional_keys = ['CoverageDays']\n")
    assert (take(home, FEED).rows, raw(home, "distinct CoverageDays", FEED)) == (48, [("",)])


@pytest.mark.parametrize(("value", "reason"), [("", "blank_value"), (-1, "negative_count"), ("n/a", "not_a_number")])
def test_a_count_that_is_none_is_rejected_and_never_zero(ask_export, export, value, reason):
    export[0].entry_override = value
    home = ask_export()
    assert take(home, FEED).rejected_rows == 48
    assert raw(home, "distinct reason", "rejected") == [(reason,)]


def test_counters_are_told_by_their_serial(ask_export, export):
    export[0].is_counter_level = True
    home = ask_export(level="counter")
    take(home, FEED)
    assert raw(home, "distinct device_id", FEED) == [("26509",), ("26510",)]


def test_days_are_days(ask_export, export):
    export[0].is_daily = True
    home = ask_export(time="daily")
    assert take(home, FEED).rows == 2
    assert raw(home, "distinct interval_minutes", FEED) == [(1440,)]


@pytest.mark.parametrize(("declared", "reason"), [("hourly", "looks_daily"), ("daily", "every_row_rejected")])
def test_days_and_hours_are_not_confounded(ask_export, export, declared, reason):
    export[0].is_daily = declared == "hourly"
    if declared == "daily":
        minutes = {at: counts for at, counts in counted(1).minutes.items() if 9 <= at.hour < 12}
        export[0].things = {"26509": Counted("Europe/Vienna", minutes)}
    home = ask_export(time=declared)
    take(home, FEED)
    assert set(outcomes(home).values()) == {f"unreadable {reason}"}


def test_only_the_two_dates_of_the_url_are_changed(ask_export, export):
    api, server = export
    home = ask_export("", "site", "hourly", api.copied_url(server.url, extra={"a": [1, " b"]}, period="7"))
    take(home, FEED, Window(DAY, DAY + timedelta(days=2)))
    assert sorted((info["fromdate"], info["todate"]) for info in api.infos) == [
        (f"0{day}/03/2026", f"0{day}/03/2026") for day in (2, 3, 4)
    ]
    pasted = json.loads(
        parse_qs(urlsplit(api.copied_url(server.url, extra={"a": [1, " b"]}, period="7")).query)["infoJson"][0]
    )
    for info in api.infos:
        assert {**info, "fromdate": "", "todate": ""} == {**pasted, "fromdate": "", "todate": ""}
    assert all(request.query["access_token"] == SECRET for request in server.requests)


def pasted(fromdate: str, **more: object) -> SecretStr:
    info = json.dumps({"cat": "1", "id": ["7"], "fromdate": fromdate, "todate": fromdate, **more})
    return SecretStr("https://v9.example.com/exportData?" + urlencode({"infoJson": info, "access_token": "t0ken"}))


@pytest.mark.parametrize(
    ("written", "more", "expected"),
    [
        ("26/03/2024", {}, "02/03/2026"),
        ("03/26/2024", {}, "03/02/2026"),
        ("2024-03-26", {}, "2026-03-02"),
        ("01/02/2024", {"dateformat": "MM/dd/yyyy"}, "03/02/2026"),
        ("01.02.2024", {"dateformat": "dd.MM.yyyy"}, "02.03.2026"),
        ("26.03.2024", {"dateformat": "yyyy/MM/dd"}, "02.03.2026"),
    ],
)
def test_dates_are_written_as_they_were_pasted(written, more, expected):
    url = read_urls(pasted(written, **more), "")[0]
    assert json.loads(url.for_day(date(2026, 3, 2))["infoJson"])["fromdate"] == expected


@pytest.mark.parametrize(
    "text",
    [
        pasted("01/02/2024").get_secret_value(),
        pasted("yesterday").get_secret_value(),
        "https://v9.example.com/exportData?access_token=t0ken",
        "https://v9.example.com/exportData?infoJson=%7B%7D&access_token=t0ken",
        "not a url t0ken",
        "\n".join([pasted("26/03/2024").get_secret_value()] * 2),
    ],
)
def test_what_is_no_such_url_is_refused_without_repeating_it(text):
    with pytest.raises(Refused) as refused:
        read_urls(SecretStr(text), "")
    assert "t0ken" not in str(refused.value)


@pytest.mark.parametrize("expired", ["401", "200"])
def test_an_expired_token_stops_the_feed(ask_export, export, expired):
    export[0].expired = expired
    home = ask_export()
    result = take(home, FEED, Window(DAY, DAY + timedelta(days=5)))
    assert (reasons(result), result.kept) == (["refused"], 0)


def test_one_of_two_urls_that_is_refused_does_not_stop_the_other(ask_export, export):
    api, server = export
    good = api.copied_url(server.url)
    bad = api.copied_url(server.url, id=["26510"]).replace(SECRET, "another")
    home = ask_export("", "site", "hourly", good, bad)
    result = take(home, FEED)
    assert (reasons(result), result.rows) == (["refused"], 48)


def test_two_urls_of_one_day_do_not_replace_one_another(ask_export, export):
    api, server = export
    home = ask_export("", "site", "hourly", *(api.copied_url(server.url, id=[key]) for key in api.things))
    assert take(home, FEED).kept == 2
    assert {row[0] for row in raw(home, "BranchId", FEED)} == set(api.things)


def test_a_day_that_is_asked_again_replaces_itself(ask_export, export):
    home = ask_export()
    take(home, FEED)
    export[0].things = {key: counted(9) for key in export[0].things}
    take(home, FEED)
    rows = raw(home, "BranchId, interval_start_local, ValueIn, ValueOut", FEED)
    assert [row[1:] for row in rows if row[0] == "26509"] == told(export[0].things, "26509")


def test_a_page_instead_of_rows_is_kept_and_unreadable(ask_export, export):
    export[1].faults.append(Fault(Response("<html>maintenance</html>", media_type="text/html")))
    home = ask_export()
    assert take(home, FEED).unreadable == 1
    assert set(outcomes(home).values()) == {"unreadable html_instead_of_json"}


def test_the_table_must_say_what_was_chosen_and_never_hold_the_url(write_home):
    for table in ("url_env = 'X'\n", "data_aggregation = 'site'\ntime_aggregation = 'hourly'\n", "url = 'https://x'\n"):
        with pytest.raises(ConfigurationError):
            open_home(write_home(BRANCH, feeds=f"[feeds.{FEED}]\n{table}"))
