"""`import`: files in hand, for real and as a dry run."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import contents, write_export

NAME = "02_00_5E_AA_BB_CC_1000_Person count in_out.csv"
GOOD = ("02/02/2026 - 10:00,02/02/2026 - 10:01,3,1", "02/02/2026 - 10:01,02/02/2026 - 10:02,2,2")
BAD = ("02/02/2026 - 10:02,02/02/2026 - 10:03,2", "02/02/2026 - 10:03,02/02/2026 - 10:04,x,2")


def test_a_dry_run_tells_the_same_and_writes_nothing(footfall, home: Path, tmp_path: Path):
    file = write_export(tmp_path / NAME, *GOOD, *BAD)
    before = contents(home)
    told = footfall("--home", home, "import", "xovis_export", file, "--dry-run", "--json")
    assert contents(home) == before
    assert told.exit_code == 0
    (found,) = told.json["files"]
    assert (found["state"], found["row_count"], found["rejected_row_count"]) == ("parsed", 2, 2)
    assert told.json["days"] == ["2026-02-02"]
    reasons = [
        (row["line_number"], row["column_name"], row["value"], row["reason"]) for row in told.json["rejected_rows"]
    ]
    assert reasons[0][0] == 4
    assert reasons[0][3] == "missing_columns"
    assert reasons[1] == (5, "exit_count" if reasons[1][1] == "exit_count" else "entry_count", "x", "not_a_number")


def test_an_import_works_in_a_home_that_init_just_made(footfall_process, footfall, home: Path, tmp_path: Path):
    file = write_export(tmp_path / NAME, *GOOD, *BAD)
    told = footfall_process("--home", home, "import", "xovis_export", file, file, "--json")
    assert told.exit_code == 0, told.stderr
    assert [(f["state"], f["row_count"], f["is_duplicate"]) for f in told.json["files"]] == [("parsed", 2, False)]
    assert [row["reason"] for row in told.json["rejected_rows"]] == ["missing_columns", "not_a_number"]
    assert told.json["days"] == ["2026-02-02"]
    state = footfall("--home", home, "status", "--json").json
    assert state["backlog"]["touched_not_transformed"] == ["2026-02-02"]
    assert state["deliveries"][0]["arrived"] == 1
    assert state["runs"][0]["status"] == "SUCCESS"
    again = footfall("--home", home, "import", "xovis_export", file, "--dry-run", "--json").json
    assert again["files"][0]["is_duplicate"]

    older = write_export(tmp_path / "02_00_5E_AA_BB_CC_1000_older.csv", "02/02/2026 - 10:00,02/02/2026 - 10:01,9,9")
    long_ago = datetime(2026, 2, 3, tzinfo=UTC).timestamp()
    os.utime(older, (long_ago, long_ago))
    told_older = footfall("--home", home, "import", "xovis_export", older, "--dry-run", "--json").json
    assert "is newer and stands" in told_older["files"][0]["newer"]
    assert not footfall("--home", home, "import", "xovis_export", older, "--dry-run", "--now", "--json").json["files"][
        0
    ]["newer"]
    shown = footfall("--home", home, "import", "xovis_export", older, "--dry-run").stdout
    assert "--now" in shown


def test_an_unreadable_file_is_told_with_its_reason_and_exits_with_1(footfall, home: Path, tmp_path: Path):
    page, good = tmp_path / "a_1_.csv", write_export(tmp_path / NAME, *GOOD)
    page.write_text("<html>no</html>")
    told = footfall("--home", home, "import", "xovis_export", page, good, "--dry-run", "--json")
    assert told.exit_code == 1
    assert [(f["state"], f["reason"]) for f in told.json["files"]] == [("unreadable", "not_a_table"), ("parsed", "")]


@pytest.mark.parametrize("as_json", [False, True])
def test_hostile_names_and_values_are_shown_escaped(footfall, home: Path, tmp_path: Path, as_json: bool):
    file = write_export(
        tmp_path / "bell\x07\x1b[31m_1_\u202evsc[red].csv", "02/02/2026 - 10:00,02/02/2026 - 10:01,\x1b]0;x\x07,1"
    )
    told = footfall("--home", home, "import", "xovis_export", file, "--dry-run", *(["--json"] if as_json else []))
    assert not {"\x07", "\x1b", "\u202e"} & set(told.stdout + told.stderr)
    if as_json:
        assert told.json["files"][0]["path"] == str(file)
    else:
        assert "[red]" in told.stdout
        assert "\\u202e" in told.stdout


def test_an_unknown_feed_is_named_with_the_feeds_there_are(footfall, home: Path, tmp_path: Path):
    told = footfall("--home", home, "import", "nosuch", write_export(tmp_path / NAME, *GOOD))
    assert told.exit_code == 2
    assert "xovis_export" in told.stderr
    assert told.stderr.count("\n") == 1
