"""The account's Cube and sites: tokens, waiting, envelopes, limits."""

from datetime import timedelta

import pytest
from starlette.responses import Response

from emulators.footfallcam.traffic import hours
from emulators.http_server import Fault
from orchestration.home import Home, open_home
from orchestration.sources.contract import Kind, Window
from orchestration.steps import dry_run, ingest
from tests.sources.footfallcam.conftest import BRANCH, DAY, SECRET, outcomes, quick, raw, reasons, take

FEED = "footfallcam_cube"


@pytest.fixture
def ask_account(write_home, account, monkeypatch):
    def opened(table: str = "", feed: str = FEED) -> Home:
        url = account[1].url
        monkeypatch.setenv("ACCOUNT_PASSWORD", SECRET)
        base = f"[feeds.{feed}]\nuser = 'shop@example.com'\npassword_env = 'ACCOUNT_PASSWORD'\n"
        base += f"account_url = '{url}'\ndata_url = '{url}'\ncube_url = '{url}'\nallow_plain_http = ['127.0.0.0/8']\n"
        if feed == FEED:
            base += "wait_seconds = 0.0\n"
        return open_home(write_home(BRANCH, "", feeds=base + table))

    return opened


def truth(account, key: str) -> list[tuple]:
    return sorted((start, *counts) for start, counts in hours(account[0].sites[key], DAY).items())


def check_rows(home: Home, account) -> None:
    rows = raw(home, "SiteId, interval_start_local, value_in, value_out", FEED)
    for key in account[0].sites:
        assert [row[1:] for row in rows if row[0] == key] == truth(account, key)


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("is_multi", [True, False])
def test_raw_equals_what_cube_tells_in_both_envelopes_and_both_kinds_of_numbers(
    ask_account, account, is_multi, as_text
):
    account[0].is_multi, account[0].as_text = is_multi, as_text
    home = ask_account()
    result = take(home, FEED)
    assert (result.kept, result.rows, reasons(result)) == (1, 48, [])
    check_rows(home, account)


def test_continue_wait_is_asked_again_and_is_never_no_data(ask_account, account):
    account[0].waits = 3
    home = ask_account()
    assert (take(home, FEED).rows, len(account[0].queries)) == (48, 1)


def test_continue_wait_without_end_is_a_failure(ask_account, account):
    account[0].waits_for_ever = True
    home = ask_account("wait_polls = 4\n")
    result = take(home, FEED)
    assert (reasons(result), result.kept) == (["continue_wait"], 0)
    loads = [request for request in account[1].requests if request.path.endswith("load")]
    assert len(loads) == 4


def test_an_answer_that_reaches_the_limit_is_split_until_it_does_not(ask_account, account):
    home = ask_account("limit = 20\n")
    result = take(home, FEED)
    assert (result.kept, result.rows, reasons(result)) == (1, 48, [])
    check_rows(home, account)
    assert len(account[0].queries) > 3


def test_an_hour_that_reaches_the_limit_is_truncated_and_nothing_is_kept(ask_account):
    result = take(ask_account("limit = 2\n"), FEED)
    assert (reasons(result), result.kept) == (["truncated"], 0)


def test_days_are_never_split_because_each_half_would_be_a_sum_of_its_own(ask_account, account):
    result = take(ask_account("limit = 2\ngranularity = 'day'\n"), FEED)
    assert reasons(result) == ["truncated"]
    assert len(account[0].queries) == 1


def test_days_can_be_asked_for(ask_account, account):
    home = ask_account("granularity = 'day'\n")
    take(home, FEED)
    sums = [(key, sum(c[1] for c in truth(account, key))) for key in account[0].sites]
    assert [(row[0], row[1]) for row in raw(home, "SiteId, value_in", FEED)] == sums


def test_no_question_spans_more_than_a_day(ask_account, account):
    home = ask_account()
    take(home, FEED, Window(DAY - timedelta(days=44), DAY))
    ranges = [query["timeDimensions"][0]["dateRange"] for query in account[0].queries]
    assert len(ranges) == 45
    assert all(first == last for first, last in ranges)


def test_chosen_sites_are_asked_for_alone(ask_account):
    home = ask_account("site_ids = ['26510']\n")
    take(home, FEED)
    assert raw(home, "distinct SiteId", FEED) == [("26510",)]


def test_an_expired_token_is_renewed_once(ask_account, account):
    home = ask_account()
    connector = quick(home, FEED)
    ingest(home, connector, Window(DAY, DAY))
    account[0].expire()
    assert reasons(ingest(home, connector, Window(DAY, DAY + timedelta(days=4)))) == []
    assert len(account[0].given) == 2


def test_403_with_a_new_token_as_well_stops_the_feed(ask_account, account):
    account[0].refuses_all = True
    result = take(ask_account(), FEED, Window(DAY, DAY + timedelta(days=4)))
    assert reasons(result) == ["refused"]
    assert len(account[0].given) == 2


def test_a_wrong_password_is_refused_with_the_vendors_words(ask_account, account):
    account[0].password = "another"
    result = take(ask_account(), FEED)
    assert reasons(result) == ["refused"]
    assert "User configuration error" in result.failures[0].message


def test_another_error_with_status_200_is_a_failure_of_its_own(ask_account, account):
    account[0].says = "Cube is down"
    assert reasons(take(ask_account(), FEED)) == ["error_answer"]


def test_a_page_instead_of_rows_is_kept_and_unreadable(ask_account, account):
    account[1].faults.append(Fault(Response("<html>gateway</html>"), where="load"))
    home = ask_account()
    assert take(home, FEED).unreadable == 1
    assert set(outcomes(home).values()) == {"unreadable not_json"}


def test_continue_wait_saved_as_a_file_is_unreadable_and_not_empty(ask_account, tmp_path):
    saved = tmp_path / "answer.json"
    saved.write_text('{"error": "Continue wait"}')
    parsed = dry_run(ask_account().catalogue[FEED], [saved])
    assert (parsed.outcomes[0].state, parsed.outcomes[0].reason) == ("unreadable", "continue_wait")


def test_reports_of_sites_are_no_counts(ask_account):
    feed = ask_account().catalogue[FEED].feed
    assert (feed.kind, feed.per_device_day, feed.due) == (Kind.REFERENCE, False, None)


def test_sites_are_listed_as_they_are_today(ask_account, account):
    home = ask_account(feed="footfallcam_sites")
    assert take(home, "footfallcam_sites", None).rows == 2
    assert raw(home, "BranchId", "footfallcam_sites") == [("26509",), ("26510",)]
