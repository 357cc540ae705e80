"""The demo, and the verbs that look at and work on the home it leaves."""

import json
from pathlib import Path

from tests.cli.conftest import Result, Run, contents


def test_the_demo_prints_one_json_object_and_equals_its_truth(demo: tuple[Path, Result]):
    home, told = demo
    assert told.exit_code == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["marts_equal_truth"] is True
    assert found["home"] == str(home)
    assert set(found["feeds"]) == {
        "footfallcam_daily",
        "sales",
        "xovis_export",
        *("xovis_history", "xovis_live", "xovis_status", "xovis_legacy", "xovis_document"),
        *("bespot_visits", "bespot_occupancy"),
        *("footfallcam_device", "footfallcam_export_api", "footfallcam_cube"),
    }
    assert all(feed["rows"] > 0 and feed["equals_truth"] for feed in found["feeds"].values())


def test_the_demo_replaces_its_own_home_and_never_another(footfall, tmp_path: Path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    told = footfall("--home", tmp_path / "precious", "demo", "--days", 1)
    assert told.exit_code == 2
    assert contents(tmp_path / "precious").keys() == {"file"}


def test_status_tells_what_came_and_what_did_not(footfall, demo: tuple[Path, Result]):
    home, _ = demo
    told = footfall("--home", home, "status", "--json")
    assert told.exit_code == 0
    found = told.json
    keys = {
        "deliveries",
        "outages",
        "unplaced_devices",
        "unreadable",
        "failed_last_day",
        "freshness",
        "backlog",
        "runs",
    }
    assert keys <= set(found)
    assert sum(item["missing"] for item in found["deliveries"]) > 0
    assert found["outages"]
    assert {item["feed"] for item in found["freshness"]} >= {"footfallcam_daily", "sales", "xovis_export"}
    assert found["unplaced_devices"][0]["device_id"] == "1000000000c0ffee"
    assert found["backlog"]["touched_not_transformed"] == []
    assert {run["status"] for run in found["runs"]} == {"SUCCESS"}


def test_status_fits_a_terminal_and_looks_without_touching(footfall, demo: tuple[Path, Result], monkeypatch):
    home, _ = demo
    monkeypatch.setenv("COLUMNS", "100")
    before = contents(home)
    lines = footfall("--home", home, "status").stdout.splitlines()
    assert contents(home) == before
    tables = [line for line in lines if str(home) not in line and not line.startswith("  ")]
    assert max(len(line.rstrip()) for line in tables) <= 100


def test_verify_hashes_the_same_in_warehouse_and_publication(footfall, demo: tuple[Path, Result]):
    home, _ = demo
    made, said = (
        footfall("--home", home, "verify", "--json"),
        footfall("--home", home, "verify", "--published", "--json"),
    )
    assert made.exit_code == said.exit_code == 0
    assert made.json["published_equals_warehouse"] is True
    assert made.json["marts"] == said.json["marts"]
    assert made.json["overall_sha256"] == said.json["overall_sha256"]
    assert made.json["marts"]["fct_branch_traffic_daily"]["row_count"] == 18


def test_verbs_of_work_tell_what_they_did_and_a_fetch_from_silent_vendors_lists_them(
    footfall_lines: Run, demo: tuple[Path, Result]
):
    home, _ = demo
    days = ["--from", "2026-04-04", "--to", "2026-04-05", "--json"]
    idle, published, replayed, ingested, state, unknown = footfall_lines(
        ["--home", home, "transform"],
        ["--home", home, "publish", "--json"],
        ["--home", home, "replay", "sales", *days],
        ["--home", home, "ingest", "sales", *days],
        ["--home", home, "status", "--json"],
        ["--home", home, "ingest", "nosuch"],
    )
    assert idle.exit_code == 0
    assert "nothing had changed" in idle.stdout
    assert set(published.json["published"][0]["revised"].values()) == {0}
    assert replayed.exit_code == 0
    assert replayed.json["feeds"]["sales"]["rows"] > 0
    assert ingested.exit_code == 1  # the demo's servers are gone
    assert [failure["reason"] for failure in ingested.json["feeds"]["sales"]["failures"]] == ["unreachable"]
    assert state.json["backlog"]["touched_not_transformed"] == ["2026-04-04", "2026-04-05"]
    assert [item["reason"] for item in state.json["failed_last_day"]] == ["unreachable"]
    assert unknown.exit_code == 2
    assert unknown.stderr.count("\n") == 1


def test_doctor_finds_what_is_lost_from_landing(footfall, demo: tuple[Path, Result]):
    home, _ = demo
    lost = next((home / "landing").glob("*/*/*/*.zst"))
    kept = lost.rename(home / "aside.zst")
    try:
        found = footfall("--home", home, "doctor", "--json").json
    finally:
        kept.rename(lost)
    landing = next(check for check in found["checks"] if check["check"] == "landing")
    assert landing["state"] == "fail"
    assert "1 deliveries" in landing["said"]
