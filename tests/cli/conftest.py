"""Invocations of the command line: in this process where that is enough, in one of its own where output is judged."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from tests.lived import Lived

EXPORT_HEADER = "from-time,to-time,Forward counter,Backward counter\n"


class Result:
    """What a command printed and how it ended."""

    def __init__(self, exit_code: int, stdout: str, stderr: str) -> None:
        self.exit_code, self.stdout, self.stderr = exit_code, stdout, stderr

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


Run = Callable[..., Any]
LINES = """
import json, sys
from typer.testing import CliRunner
from orchestration.cli import app
ends = [CliRunner().invoke(app, line) for line in json.loads(sys.argv[1])]
print(json.dumps([[end.exit_code, end.stdout, end.stderr] for end in ends]))
"""


@pytest.fixture(scope="session")
def footfall() -> Callable[..., Result]:
    """Run a verb in this process."""

    def run(*arguments: object) -> Result:
        found = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Result(found.exit_code, found.stdout, found.stderr)

    return run


@pytest.fixture(scope="session")
def footfall_process() -> Callable[..., Result]:
    """Run a verb as a user does, in a process of its own."""

    def run(*arguments: object, **environment: str) -> Result:
        command = [sys.executable, "-m", "orchestration.cli", *map(str, arguments)]
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **environment}
        )
        return Result(found.returncode, found.stdout, found.stderr)

    return run


@pytest.fixture(scope="session")
def footfall_lines() -> Callable[..., list[Result]]:
    """Run several verbs in one other process: Dagster and dbt are loaded once, and not into ours."""

    def run(*lines: list[object]) -> list[Result]:
        asked = json.dumps([[str(word) for word in line] for line in lines])
        command = [sys.executable, "-c", LINES, asked]
        found = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert found.returncode == 0, found.stderr
        return [Result(*end) for end in json.loads(found.stdout.splitlines()[-1])]

    return run


@pytest.fixture
def home(tmp_path: Path, footfall: Callable[..., Result]) -> Path:
    """A home as `init` makes it."""
    place = tmp_path / "home"
    assert footfall("init", place).exit_code == 0
    return place


@pytest.fixture(scope="session")
def demo(lived: Lived) -> tuple[Path, Result]:
    """The smallest demo: a home that has lived through both waves, and what the command said."""
    return lived.home, Result(lived.exit_code, lived.stdout, lived.stderr)


def contents(folder: Path) -> Mapping[str, str]:
    """Hash every file under a folder, by its name; folders count as well."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def write_export(path: Path, *rows: str) -> Path:
    """Write a Xovis web export."""
    path.write_text(EXPORT_HEADER + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path
