"""`footfall query`: the guide's sample addresses, what is sent, and what is never shown."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from emulators.footfallcam.counters import CounterApi
from emulators.http_server import HttpServer, serve_http
from orchestration.commands.query import query
from orchestration.commands.query_device import Choice, build
from orchestration.settings import Settings
from tests.sources.footfallcam.conftest import BRANCH, DAY, SECRET, counted

SAMPLE = (  # the guide's three, tokens masked
    "http://192.168.2.123/cgi-bin/apiCount.cgi?data_type=json&{}&date_start=20181231&date_end=20190131"
    "&time_start=083000&time_end=183000&access_token=***"
)
SAMPLES = [
    (["seconds", "--resolution", "30"], SAMPLE.format("data_format=second&resolution_sec=30")),
    (["minutes", "--resolution", "1"], SAMPLE.format("data_format=minute&resolution_min=1")),
    (["hourly"], SAMPLE.format("data_format=hour")),
]
RANGE = ["--date", "2018-12-31", "--until", "2019-01-31", "--time-start", "08:30", "--time-end", "18:30:00"]

app = typer.Typer()


@app.callback()
def _home(context: typer.Context, home: Path | None = None) -> None:
    context.obj = home


app.command()(query)


@pytest.fixture
def counters() -> Iterator[tuple[CounterApi, HttpServer]]:
    api = CounterApi({"d1": counted(1)}, {"d1": SECRET})
    with serve_http(api.application()) as server:
        yield api, server


@pytest.fixture
def home(write_home, counters, monkeypatch) -> Settings:
    monkeypatch.setenv("COUNTER_PASSWORD", SECRET)
    feed = "[feeds.footfallcam_device]\npassword_env = 'COUNTER_PASSWORD'\nallow_plain_http = ['127.0.0.0/8']\n"
    address = counters[0].address(counters[1].url, "d1")
    return write_home(BRANCH, f"footfallcam,d1,,A1,entrance,,,{address},,,\n", feeds=feed + "[feeds.sales]\n")


def run(home: Path, *words: str):
    return CliRunner().invoke(app, ["--home", str(home), "query", *words])


@pytest.mark.parametrize(("words", "url"), SAMPLES)
def test_addresses_equal_the_samples_of_the_guide(tmp_path, words, url):
    result = run(tmp_path, *words, "--device", "192.168.2.123", *RANGE, "--print-url")
    assert (result.exit_code, result.stdout.strip()) == (0, url)


def test_the_address_of_the_token_hides_the_password(tmp_path):
    result = run(tmp_path, "token", "--device", "192.168.2.123", "--print-url")
    assert result.stdout.strip() == "http://192.168.2.123/cgi-bin/access_token.cgi?username=admin&password=***"


def test_last60_is_a_candidate_and_says_so(tmp_path):
    result = run(tmp_path, "last60", "--device", "192.168.2.123")
    assert "data_format=second&resolution_sec=1&" in result.stdout
    assert "inferred" in result.stderr
    at = datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)
    question = build(Settings(home=tmp_path), Choice("last60", device="192.168.2.123"), lambda: at)
    assert "time_start=095930&time_end=100030&" in question.url
    midnight = datetime(2026, 3, 2, 0, 0, 10, tzinfo=UTC)
    question = build(Settings(home=tmp_path), Choice("last60", device="192.168.2.123"), lambda: midnight)
    assert "date_start=20260302&date_end=20260302&time_start=000000&time_end=000010" in question.url


@pytest.mark.parametrize(
    "words",
    [
        ["seconds", "--resolution", "7"],
        ["hourly", "--resolution", "5"],
        ["last60", "--date", "2026-03-02"],
        ["minutes", "--date", "2026-03-02", "--until", "2026-03-01"],
        ["days"],
    ],
)
def test_what_the_guide_does_not_allow_is_wrong_usage(tmp_path, words):
    assert run(tmp_path, *words, "--device", "192.168.2.123").exit_code == 2


def test_a_day_is_sent_and_its_rows_shown_without_any_secret(home, counters):
    result = run(home.home, "hourly", "--device", "d1", "--date", "2026-03-02", "--send")
    assert result.exit_code == 0, result.output
    assert "24 rows" in result.stdout
    assert SECRET not in result.output
    assert not any(token in result.output for token in counters[0].given)
    assert not (home.home / "landing").exists()


@pytest.mark.parametrize("words", [["--xml"], []])
def test_json_holds_the_rows(home, counters, words):
    result = run(home.home, "minutes", "--date", "2026-03-02", "--resolution", "30", "--send", "--json", *words)
    found = json.loads(result.stdout)
    assert (found["state"], len(found["rows"])) == ("parsed", 48)
    assert sum(row["ValueIn"] for row in found["rows"]) == sum(
        counts[0] for _, counts in counters[0].counters["d1"].intervals(DAY, 3600)
    )


def test_a_token_comes_and_is_not_shown(home, counters):
    result = run(home.home, "token", "--send")
    assert result.exit_code == 0
    assert re.search(r"a token of \d+ characters", result.stdout)
    assert counters[0].given
    assert not any(part in result.output for part in counters[0].given[0].split("."))


def test_a_counter_that_refuses_is_a_failure(home, counters):
    counters[0].passwords = {"d1": "another"}
    result = run(home.home, "minutes", "--date", "2026-03-02", "--send")
    assert result.exit_code == 1
    assert "refused" in result.stderr
    assert SECRET not in result.output


def test_an_address_outside_the_allowed_networks_is_not_asked(home):
    result = run(home.home, "minutes", "--device", "192.0.2.7", "--send")
    assert result.exit_code == 1
    assert "allow_plain_http" in result.stderr


def test_an_answer_that_cannot_be_read_is_shown_with_its_reason(home, counters):
    counters[0].shape = "unknown"
    result = run(home.home, "minutes", "--date", "2026-03-02", "--send")
    assert result.exit_code == 1
    assert "unknown_shape" in result.stderr


def test_a_feed_that_asks_no_counters_is_refused(home):
    result = run(home.home, "minutes", "--feed", "sales")
    assert "asks no counters" in str(result.exception)


@pytest.mark.parametrize("language", ["curl", "python", "powershell"])
def test_snippets_read_the_secret_and_do_not_hold_it(home, language):
    result = run(home.home, "minutes", "--device", "d1", "--date", "2026-03-02", "--snippet", language)
    assert result.exit_code == 0
    assert "ACCESS_TOKEN" in result.stdout
    assert "resolution_min" in result.stdout
    assert SECRET not in result.output


def test_the_python_snippet_works(home, counters):
    run(home.home, "token", "--send")
    result = run(home.home, "hourly", "--date", "2026-03-02", "--snippet", "python")
    environment = {**os.environ, "ACCESS_TOKEN": counters[0].given[-1]}
    done = subprocess.run(
        [sys.executable, "-c", result.stdout], env=environment, capture_output=True, text=True, check=True
    )
    assert len(json.loads(done.stdout)) == 24


def test_copying_uses_the_clipboard_that_is_there(home, tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    result = run(home.home, "hourly", "--date", "2026-03-02", "--print-url", "--copy")
    assert "no clipboard" in result.stderr
    (programs / "xclip").write_text(f"#!/bin/sh\n/bin/cat > {tmp_path}/copied\n")
    (programs / "xclip").chmod(0o755)
    result = run(home.home, "hourly", "--date", "2026-03-02", "--print-url", "--copy")
    assert result.stderr.strip() == "copied"
    assert (tmp_path / "copied").read_text() == result.stdout.strip()
