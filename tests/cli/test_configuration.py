"""Configuration errors: one line that names file, line and column, exit 2, no traceback; doctor finds the same."""

from pathlib import Path

import pytest

from tests.cli.conftest import contents, write_export


def break_reference(home: Path, file: str, text: str) -> None:
    (home / "reference" / file).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[feeds.sales\n", "line 1"),
        ('[feeds.sales]\ngrain_minutes = "often"\n', "grain_minutes"),
        ("[feeds.sales]\nnosuchkey = 1\n", "nosuchkey"),
        ('[feeds.sales.remote]\nprotocol = "ftp"\nhost = "h"\npassword = "hunter2"\n', "password_env"),
        ("[feeds.nosuch]\n", "feeds.nosuch"),
    ],
)
def test_a_wrong_feeds_toml_is_told_by_table_and_key(footfall, home: Path, text: str, named: str):
    break_reference(home, "feeds.toml", text)
    told = footfall("--home", home, "status")
    assert told.exit_code == 2
    assert "feeds.toml" in told.stderr
    assert named in told.stderr
    assert told.stderr.count("\n") == 1
    assert "hunter2" not in told.stderr
    found = footfall("--home", home, "doctor", "--json")
    assert found.exit_code == 1
    assert named in next(check["said"] for check in found.json["checks"] if check["state"] == "fail")


def test_a_wrong_csv_is_told_by_file_line_and_column(footfall, home: Path):
    header = (home / "reference" / "branches.csv").read_text()
    break_reference(home, "branches.csv", header + "A,,,,,Europe/Athens,,,,,\nB,,,,,Europe/Atlantis,,,,,\n")
    found = footfall("--home", home, "doctor", "--json")
    assert found.exit_code == 1
    said = next(check["said"] for check in found.json["checks"] if check["state"] == "fail")
    assert "branches.csv, line 3, column timezone" in said
    assert "Europe/Atlantis" in said


def test_doctor_writes_nothing_and_tries_one_file(footfall, home: Path, tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    write_export(share / "02_AA_1000_x.csv", "02/02/2026 - 10:00,02/02/2026 - 10:01,3,1")
    (share / "notes.txt").write_text("not a delivery")
    feeds = f'[feeds.xovis_export.remote]\nprotocol = "folder"\nfolder = "{share}"\n[feeds.sales]\n'
    break_reference(home, "feeds.toml", feeds)
    before = contents(home)
    found = footfall("--home", home, "doctor", "--json")
    assert contents(home) == before
    assert found.exit_code == 0, found.stdout
    said = " ".join(check["said"] for check in found.json["checks"] if check["check"] == "xovis_export")
    assert "2 files, 1 named like" in said
    assert "notes.txt" in said
    assert "1 rows can be read" in said
    assert "02_AA" in said
    assert "counters.csv does not have" in said


def test_doctor_says_what_to_do_about_an_unreachable_place_and_a_missing_secret(footfall, home: Path):
    remote = '[feeds.{}.remote]\nprotocol = "{}"\nhost = "127.0.0.1"\nport = 1\nuser = "u"\npassword_env = "{}"\n'
    feeds = remote.format("sales", "ftp", "PATH") + remote.format("xovis_export", "ftp", "FOOTFALL_NO_SUCH_SECRET")
    break_reference(home, "feeds.toml", feeds)
    found = footfall("--home", home, "doctor", "--json")
    assert found.exit_code == 1
    failed = {check["check"]: check for check in found.json["checks"] if check["state"] == "fail"}
    assert "unreachable" in failed["sales"]["said"]
    assert "FOOTFALL_NO_SUCH_SECRET" in failed["xovis_export"]["said"]
    assert all(check["remedy"] for check in failed.values())


def test_doctor_of_one_feed_leaves_the_others_alone(footfall, home: Path):
    found = footfall("--home", home, "doctor", "--feed", "sales", "--json")
    assert {check["check"] for check in found.json["checks"]}.isdisjoint({"xovis_export", "footfallcam_daily"})
    assert footfall("--home", home, "doctor", "--feed", "nosuch").exit_code == 2
