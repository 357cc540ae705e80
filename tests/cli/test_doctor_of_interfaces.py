"""Doctor on feeds that ask interfaces: it says what their tables warn of, and tries one answer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulators.bespot import BespotApi
from emulators.footfallcam.counters import CounterApi
from emulators.footfallcam.traffic import Counted
from emulators.http_server import Authority, serve_http
from emulators.xovis import EmulatedLogic, EmulatedSensor, Fleet

BRANCH = "A1,Shop,AT,,Wien,Europe/Vienna,EUR,,,,\n"
PASSWORD = "nothing-to-see-7"


@pytest.fixture
def minutes() -> dict[datetime, tuple[int, int]]:
    """The last three days, somebody in every minute."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return {now - timedelta(minutes=step): (2, 1) for step in range(1, 3 * 1440)}


def states(told, feed: str) -> list[tuple[str, str]]:
    return [(check["state"], check["said"]) for check in told.json["checks"] if check["check"] == feed]


def test_a_counter_is_asked_and_its_undocumented_body_is_warned_of(footfall, write_home, monkeypatch, minutes):
    monkeypatch.setenv("COUNTER", PASSWORD)
    api = CounterApi({"d1": Counted("Europe/Vienna", minutes)}, {"d1": PASSWORD})
    with serve_http(api.application()) as server:
        counters = f"footfallcam,f0,,A1,inner,,,,,,\nfootfallcam,d1,,A1,entrance,,,{api.address(server.url, 'd1')},,,\n"
        table = "[feeds.footfallcam_device]\npassword_env = 'COUNTER'\nallow_plain_http = ['127.0.0.0/8']\n"
        settings = write_home(BRANCH, counters, feeds=table)
        told = footfall("--home", settings.home, "doctor", "--json")
    (undocumented, plain, tried) = states(told, "footfallcam_device")
    assert (undocumented[0], plain[0], tried[0]) == ("warn", "warn", "ok")
    assert "not documented" in undocumented[1]
    assert "rows can be read" in tried[1]
    assert PASSWORD not in told.stdout


def test_a_sensor_whose_certificate_nobody_checks_is_warned_of(
    footfall, write_home, monkeypatch, minutes, tmp_path: Path
):
    monkeypatch.setenv("XOVIS", PASSWORD)
    sensor = EmulatedSensor("02:00:5E:00:00:01", [EmulatedLogic(1000, minutes)])
    with serve_http(Fleet({"1": sensor}, password=PASSWORD), Authority(tmp_path)) as server:
        counters = (
            "xovis,02_00_5E_00_00_02,1000,A1,inner,,,,,,\n"
            f"xovis,02:00:5E:00:00:01,1000,A1,entrance,,,{server.url}/sensors/1,,,\n"
        )
        feeds = "[feeds.xovis_history]\npassword_env = 'XOVIS'\nverify = false\n"
        told = footfall("--home", write_home(BRANCH, counters, feeds=feeds).home, "doctor", "--json")
    warned, tried = states(told, "xovis_history")
    assert warned[0] == "warn"
    assert "any certificate is accepted" in warned[1]
    assert tried[0] == "ok", tried


def test_a_store_is_asked_over_tls(footfall, write_home, monkeypatch, minutes, tmp_path: Path):
    monkeypatch.setenv("BESPOT", PASSWORD)
    authority = Authority(tmp_path)
    with serve_http(BespotApi({"7": minutes}, password=PASSWORD).application(), authority) as server:
        feeds = (
            f"[feeds.bespot_visits]\nbase_url = '{server.url}/api'\nuser = 'footfall'\npassword_env = 'BESPOT'\n"
            f"ca_file = '{authority.ca_file}'\n"
        )
        settings = write_home(BRANCH, "bespot,7,,A1,entrance,,,,,,\n", feeds=feeds)
        told = footfall("--home", settings.home, "doctor", "--json")
    (tried,) = states(told, "bespot_visits")
    assert tried[0] == "ok", tried
