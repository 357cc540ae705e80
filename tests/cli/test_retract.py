"""`retract`: a delivery named by id or hash is withdrawn by a run of the home's own history, and can be let back."""

import hashlib
from pathlib import Path

from tests.cli.conftest import write_export

NAME = "02_00_5E_AA_BB_CC_1000_Person count in_out.csv"
ROWS = ("02/02/2026 - 10:00,02/02/2026 - 10:01,3,1", "02/02/2026 - 10:01,02/02/2026 - 10:02,2,2")


def test_withdrawn_twice_is_once_and_undone_by_the_same_name(footfall_lines, footfall, home: Path, tmp_path: Path):
    file = write_export(tmp_path / NAME, *ROWS)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    imported, withdrawn, again, undone = footfall_lines(
        ["--home", home, "import", "xovis_export", file, "--json"],
        ["--home", home, "retract", sha256, "--reason", "of another shop", "--json"],
        ["--home", home, "retract", sha256[:12], "--reason", "of another shop"],
        ["--home", home, "retract", sha256, "--undo"],
    )
    assert (imported.exit_code, withdrawn.exit_code, again.exit_code, undone.exit_code) == (0, 0, 0, 0)
    assert withdrawn.json["feeds"]["xovis_export"]["days"] == ["2026-02-02"]
    assert withdrawn.json["feeds"]["xovis_export"]["rows"] == 0
    assert "withdrawn already" in again.stdout
    assert "stands again" in undone.stdout
    state = footfall("--home", home, "status", "--json").json
    assert [run["status"] for run in state["runs"]] == ["SUCCESS"] * 3


def test_what_names_no_delivery_and_what_says_no_reason_is_refused(footfall, home: Path):
    unknown = footfall("--home", home, "retract", "0123456789abcdef", "--reason", "x")
    assert unknown.exit_code == 2
    assert "0123456789abcdef" in unknown.stderr
    silent = footfall("--home", home, "retract", "0123456789abcdef")
    assert silent.exit_code == 2
    assert "--reason" in silent.stderr
