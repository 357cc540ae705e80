"""Pages, links, errors and days: what is asked of Bespot, and what becomes of each way it can go wrong."""

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from starlette.responses import HTMLResponse

from emulators.bespot import LIST_SPELLING, OCCUPANCY, VISITS, utc_minute
from emulators.http_server import Fault, cut_body, hang, unavailable
from orchestration.sources.contract import Asked, Device, Landed, Payload, Window
from orchestration.steps import replay
from tests.sources.bespot.conftest import (
    ATHENS,
    AUTUMN,
    DAY,
    PASSWORD,
    Starter,
    Truth,
    busy_day,
    connector,
    parsed_body,
    truth,
)


@pytest.mark.parametrize(("page_size", "pages"), [(10_000, 1), (180, 2), (36, 10)])
def test_raw_equals_the_truth_however_many_pages(start: Starter, page_size: int, pages: int) -> None:
    visits: Truth = {"116500": busy_day(), "116501": busy_day(step=2)}
    tenant = start(visits, page_size=page_size)
    result = tenant.ingest()
    assert tenant.rows() == truth(visits)
    assert (result.kept, result.rows, result.rejected_rows, result.failures) == (2, 720, 0, [])
    assert len(tenant.server.requests) == 2 * pages
    assert {request.basic for request in tenant.server.requests} == {("footfall", PASSWORD)}
    assert "device_id" not in tenant.server.requests[0].query


def test_both_spellings_give_the_same_rows(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits, spelling=LIST_SPELLING)
    tenant.ingest()
    assert tenant.rows() == truth(visits)
    assert tenant.sql("select distinct in_metric - out_metric = diff_metric from raw_file('bespot_visits')") == [
        (True,)
    ]


def test_next_link_of_the_documentation_is_plain_http_and_never_asked(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=100)
    tenant.api.next_host = urlsplit(tenant.listener.url).netloc  # our own host, by plain http, where somebody listens
    result = tenant.ingest()
    assert result.failures == []
    assert tenant.asked_for("page") == ["1", "2", "3", "4"]
    assert tenant.listener.requests == []


def test_next_link_to_a_foreign_host_fails_that_store_and_is_never_asked(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=100, next_host="elsewhere.example")
    (failure,) = tenant.ingest().failures
    assert (failure.reason, failure.device_id, failure.business_date) == ("foreign_next", "116500", DAY)
    assert "elsewhere.example" in failure.message
    assert len(tenant.server.requests) == 1


@pytest.mark.parametrize(
    ("next_page", "reason"), [("1", "page_cycle"), ("0", "page_cycle"), ("x", "bad_next"), ("-2", "bad_next")]
)
def test_next_link_that_leads_nowhere_ends(start: Starter, next_page: str, reason: str) -> None:
    tenant = start({"116500": busy_day()}, page_size=100, next_page=next_page)
    assert [failure.reason for failure in tenant.ingest().failures] == [reason]
    assert len(tenant.server.requests) == 1


def test_pages_without_end_are_given_up(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=10, max_pages=5)
    assert [failure.reason for failure in tenant.ingest().failures] == ["too_many_pages"]
    assert len(tenant.server.requests) == 5


def test_count_that_grows_while_paging_starts_the_day_again(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits, page_size=100, drifts=2)
    result = tenant.ingest()
    assert (result.failures, tenant.rows()) == ([], truth(visits))
    assert tenant.asked_for("page") == ["1", "2", "1", "2", "1", "2", "3", "4"]


def test_count_that_never_stands_still_is_a_failure(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=100, drifts=99)
    assert [failure.reason for failure in tenant.ingest().failures] == ["count_drift"]
    assert tenant.rows() == []


def test_count_that_the_rows_do_not_reach_is_a_failure(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, wrong_count=1)
    assert [failure.reason for failure in tenant.ingest().failures] == ["incomplete_pages"]
    assert tenant.rows() == []


def test_page_size_that_the_server_clamps_loses_nothing(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits, page_size=10_000, largest_page_size=50)
    assert (tenant.ingest().failures, tenant.rows()) == ([], truth(visits))
    assert len(tenant.server.requests) == 8


def test_wrong_password_stops_the_feed_after_one_request(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = start({f"{store}": busy_day() for store in range(20)})
    monkeypatch.setenv("BESPOT_PASSWORD", PASSWORD + "-wrong")
    result = tenant.ingest()
    (failure,) = result.failures
    assert (failure.reason, result.kept, len(tenant.server.requests)) == ("refused", 0, 1)
    assert "authentication_failed" in failure.message
    assert "error_id" in failure.message


def test_store_that_bespot_does_not_know_fails_alone(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    stores = "bespot,116500,,116500,entrance,,,,,,\nbespot,999,,116500,entrance,,,,,,\n"
    tenant = start(visits, stores=stores)
    (failure,) = tenant.ingest().failures
    assert (failure.reason, failure.device_id) == ("store_code_not_found", "999")
    assert "error_id" in failure.message
    assert tenant.rows() == truth(visits)


def test_server_that_stumbles_is_asked_again(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits)
    tenant.server.faults += [Fault(unavailable(500)), Fault(cut_body)]
    assert (tenant.ingest().failures, tenant.rows()) == ([], truth(visits))


def test_throttled_feed_waits_as_long_as_it_is_told(start: Starter) -> None:
    visits: Truth = {"116500": busy_day(), "116501": busy_day()}
    tenant = start(visits)
    tenant.server.faults.append(Fault(unavailable(429, Retry_After="1")))
    begun = datetime.now(UTC)
    assert (tenant.ingest().failures, tenant.rows()) == ([], truth(visits))
    assert datetime.now(UTC) - begun >= timedelta(seconds=1)


def test_one_store_that_keeps_failing_costs_only_itself(start: Starter) -> None:
    visits: Truth = {"116500": busy_day(), "116501": busy_day()}
    tenant = start(visits)
    tenant.server.faults.append(Fault(unavailable(500), times=99, where="store_code=116500"))
    (failure,) = tenant.ingest().failures
    assert (failure.reason, failure.device_id) == ("server_error", "116500")
    assert tenant.rows() == truth({"116501": visits["116501"]})


def test_bespot_that_does_not_answer_is_unreachable_as_a_whole(start: Starter) -> None:
    tenant = start({"116500": busy_day(), "116501": busy_day()}, timeout_seconds=0.1)
    tenant.server.faults.append(Fault(hang, times=99))
    result = tenant.ingest()
    assert result.failures[-1].device_id == ""
    assert {failure.reason for failure in result.failures} == {"unreachable"}
    assert tenant.home.ledger.of_named_days("bespot_visits", [DAY]) == []
    assert list(tenant.home.landing.asked()) == []  # nobody can say that the day is missing


@pytest.mark.parametrize("first_page_only", [True, False])
def test_broken_json_is_kept_and_can_be_read_later(start: Starter, *, first_page_only: bool) -> None:
    tenant = start({"116500": busy_day()}, trailing_commas=True, page_size=10_000 if first_page_only else 100)
    result = tenant.ingest()
    assert (result.kept, result.unreadable, result.failures, tenant.rows()) == (1, 1, [], [])
    (delivery,) = tenant.home.ledger.of_named_days("bespot_visits", [DAY])
    assert b"},]" in tenant.home.landing.read(delivery.path).content
    again = replay(tenant.home, tenant.home.catalogue["bespot_visits"], DAY, DAY)
    assert again.unreadable == 1
    tenant.api.trailing_commas = False
    tenant.ingest()
    assert tenant.rows() == truth(tenant.api.visits)
    tenant.api.trailing_commas = True
    assert tenant.ingest().duplicates == 1  # the same bytes as at first: a repeat that displaces nothing readable
    assert tenant.rows() == truth(tenant.api.visits)


def test_page_for_people_is_kept_and_unreadable(start: Starter) -> None:
    tenant = start({"116500": busy_day()})
    tenant.server.faults.append(Fault(HTMLResponse("<html>Log in</html>")))
    assert tenant.ingest().unreadable == 1
    (outcome,) = parsed_body("<html>Log in</html>").outcomes
    assert outcome.reason == "html_instead_of_json"


def test_numbers_that_contradict_themselves_are_refused_row_by_row(start: Starter) -> None:
    tenant = start({"116500": dict(list(busy_day().items())[:3])}, wrong_diff=True)
    result = tenant.ingest()
    assert (result.rows, result.rejected_rows) == (0, 3)
    assert {row[:2] for row in tenant.rejected()} == {("diff_mismatch", "diff_metric")}


def test_silent_store_has_an_empty_delivery_and_no_rows(start: Starter) -> None:
    visits: Truth = {"116500": busy_day(), "silent": {}}
    tenant = start(visits)
    assert (tenant.ingest().kept, tenant.rows()) == (2, truth(visits))
    (silent,) = [d for d in tenant.home.ledger.of_named_days("bespot_visits", [DAY]) if d.device_id == "silent"]
    (outcome,) = parsed_body(tenant.home.landing.read(silent.path).content.decode()).outcomes
    assert (outcome.state, outcome.row_count) == ("empty", 0)


@pytest.mark.parametrize(("day", "hours"), [(AUTUMN, 25), (date(2026, 3, 29), 23), (DAY, 24)])
def test_day_of_a_clock_change_is_asked_and_read_whole(start: Starter, day: date, hours: int) -> None:
    midnight = datetime.combine(day, time.min, ATHENS).astimezone(UTC)
    minutes = {midnight + timedelta(minutes=m): (1, 0) for m in range(hours * 60)}
    outside = {midnight - timedelta(minutes=1): (9, 9), midnight + timedelta(hours=hours): (9, 9)}
    tenant = start({"116500": minutes | outside})
    tenant.ingest(window=Window(day, day))
    assert tenant.rows() == truth({"116500": minutes})
    assert tenant.sql("select distinct business_date from raw_file('bespot_visits')") == [(day,)]


def test_each_store_is_asked_by_its_own_calendar(start: Starter) -> None:
    zones = {"116500": "Europe/Athens", "KUL": "Asia/Kuala_Lumpur"}
    midnight = {name: datetime.combine(DAY, time.min, ZoneInfo(zone)).astimezone(UTC) for name, zone in zones.items()}
    visits: Truth = {name: {at + timedelta(minutes=m): (1, 1) for m in (0, 1439)} for name, at in midnight.items()}
    tenant = start(visits, zones=zones)
    tenant.ingest()
    assert tenant.rows() == truth(visits)
    assert sorted(tenant.asked_for("datetime_gte")) == ["2026-03-01T16:00:00Z", "2026-03-01T22:00:00Z"]


def test_all_stores_can_be_asked_at_once(start: Starter) -> None:
    visits: Truth = {f"11650{n}": busy_day() for n in range(4)}
    tenant = start(visits, per_store=False, page_size=500)
    assert (tenant.ingest().kept, tenant.rows()) == (1, truth(visits))
    assert set(tenant.asked_for("store_code")) == {""}
    assert tenant.sql("select distinct _business_date from raw_file('bespot_visits')") == [(DAY,)]


def test_restated_day_replaces_the_one_before(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits)
    tenant.ingest()
    first = next(iter(visits["116500"]))
    visits["116500"] = {first: (40, 4)}
    tenant.ingest()
    assert tenant.rows() == [("116500", first, 40, 4)]
    again = tenant.ingest()
    assert (again.kept, again.duplicates) == (0, 1)
    assert tenant.rows() == [("116500", first, 40, 4)]


def test_answer_about_a_day_that_is_not_over_says_how_far_it_speaks(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits)
    noon = utc_minute("2026-03-02 12:07")
    devices = [Device("bespot", "116500", timezone="Europe/Athens")]
    asked = Asked(tenant.home.settings.home, None, devices, tenant.home.settings.secret, lambda *_: False, lambda: noon)
    (payload,) = tenant.home.catalogue["bespot_visits"].fetch(asked)
    assert isinstance(payload, Payload)
    assert payload.modified_at == utc_minute("2026-03-02 12:00")
    rows = connector().parse([Landed("d", payload, payload.delivered_at)]).rows["minute"].to_pylist()
    assert [datetime.fromisoformat(at).astimezone(UTC) for at in rows] == [
        at for at in visits["116500"] if at < utc_minute("2026-03-02 12:00")
    ]


def test_occupancy_is_kept_as_samples(start: Starter) -> None:
    tenant = start({"116500": {}})
    samples = {
        utc_minute(f"2026-03-02 10:{m}"): people for m, people in ((41, 7), (44, 9), (50, 12), (53, 11), (56, 11))
    }
    tenant.api.occupancy = {"116500": samples}
    tenant.ingest("bespot_occupancy")
    expected = sorted(("116500", at, people) for at, people in samples.items())
    assert tenant.rows("bespot_occupancy", "bespot_occupancy") == expected
    assert {request.path for request in tenant.server.requests} == {OCCUPANCY}  # with its slash: no redirect
    assert VISITS.endswith("/")


# --- what is asked, without a network ---------------------------------------------------------------------------------
