"""Starting: help, version, usage errors, and what a command that only reads must not load."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("dagster", "dbt")
LOADED = """
import sys
from typer.testing import CliRunner
from orchestration.cli import app
for line in sys.argv[1:]:
    CliRunner().invoke(app, line.split("|"))
print(" ".join(sorted({name.split(".")[0] for name in sys.modules})))
"""


def loaded_by(*lines: str) -> set[str]:
    found = subprocess.run(
        [sys.executable, "-c", LOADED, *lines], capture_output=True, text=True, check=True, timeout=60
    )
    return set(found.stdout.split())


def test_help_loads_nothing_heavy():
    assert not loaded_by("--help", "ingest|--help") & {*HEAVY, "duckdb", "pyarrow", "pandas", "numpy", "sqlalchemy"}


def test_verbs_that_only_read_load_neither_dagster_nor_dbt(home: Path):
    file = home / "02_AA_1000_x.csv"
    file.write_text("x")
    verbs = ["status", "status|--json", "verify", "doctor", "ingest|nosuch|--from|2026-02-02|--to|2026-01-01"]
    lines = [f"--home|{home}|{verb}" for verb in [*verbs, f"import|xovis_export|{file}|--dry-run"]]
    loaded = loaded_by(*lines, f"init|{home}")
    assert "duckdb" in loaded
    assert not loaded & set(HEAVY)


def test_no_verb_at_all_shows_the_help(footfall):
    told = footfall()
    assert told.exit_code == 2
    assert "doctor" in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("line", "code"), [(["--help"], 0), (["nosuchverb"], 2), (["--home", "/no/home", "status"], 2)]
)
def test_the_process_ends_with_its_exit_code_and_all_it_said(footfall, footfall_process, line: list[str], code: int):
    found, told = footfall_process(*line), footfall(*line)
    assert found.exit_code == told.exit_code == code
    assert (found.stdout + found.stderr).splitlines()[-3:] == (told.stdout + told.stderr).splitlines()[-3:]


def test_version_is_told(footfall):
    assert footfall("--version").stdout.startswith("footfall")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuchverb"],
        ["status", "--nosuchoption"],
        ["ingest", "--from", "2026-01-01"],
        ["ingest", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["ingest", "--from", "yesterday", "--to", "2026-01-01"],
        ["import", "xovis_export"],
        ["import", "xovis_export", "/nowhere/at/all.csv"],
        ["demo", "--days", "0"],
    ],
)
def test_wrong_usage_exits_with_2(footfall, home: Path, arguments: list[str]):
    assert footfall("--home", home, *arguments).exit_code == 2


def test_the_home_may_stand_before_or_after_the_verb(footfall, home: Path):
    before, after = footfall("--home", home, "status", "--json"), footfall("status", "--json", f"--home={home}")
    assert before.json["home"] == after.json["home"] == str(home)


def test_a_directory_that_is_no_home_is_named_and_left_alone(footfall, tmp_path: Path):
    told = footfall("--home", tmp_path / "empty", "status")
    assert told.exit_code == 2
    assert "footfall init" in told.stderr
    assert not (tmp_path / "empty").exists()


def test_the_environment_names_the_home(footfall, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTFALL_HOME", str(home))
    assert footfall("status", "--json").json["home"] == str(home)


def test_an_unexpected_error_keeps_its_traceback(footfall, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("orchestration.commands.homes.existing", lambda _home: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        footfall("--home", home, "status")
