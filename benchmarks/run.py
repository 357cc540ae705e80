"""All benchmarks with one command: `make bench`, or `make bench ARGS="ingest cycle"` for some of them.

ingest   300 files of one day to raw, beside a bare pandas read-and-insert loop over the same files
touched  the transform of one touched day after a month and after three years of history (makes the history: minutes)
cycle    `footfall run` for that day, start-up included
bespot   a month of 100 stores over a 50 ms line, beside a sequential httpx loop
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])

from harness import Measured, in_turn, median, ratio, table  # noqa: E402 - after the path is set
from make_files import write_day  # noqa: E402
from make_home import write_home  # noqa: E402

PYTHON = sys.executable
DAY = date(2026, 3, 3)


def script(name: str, *arguments: object) -> list[str]:
    """Name a benchmark script and its arguments as a command."""
    return [PYTHON, str(HERE / name), *(str(argument) for argument in arguments)]


def compare(title: str, head: str, found: dict[str, Measured]) -> None:
    """Print two commands' figures and, pair by pair, the ratio of the first to the second."""
    rows = [(head, "work s", "whole process s", "processor s", "peak MB")]
    for name, figures in found.items():
        rows.append((name, *(median(values) for values in (figures.told, figures.wall, figures.cpu, figures.peak))))
    one, other = found.values()
    pairs = ((one.told, other.told), (one.wall, other.wall), (one.cpu, other.cpu), (one.peak, other.peak))
    rows.append(("ratio", *(f"{ratio(first, second):.2f}" for first, second in pairs)))
    table(title, rows)


def ingest(work: Path) -> None:
    """Bytes on disk to raw."""
    files = work / "files"
    write_day(files, DAY)

    def ours(number: int) -> Sequence[str]:
        home = work / f"home{number}"
        write_home(home)
        return script("ingest_footfall.py", home, files)

    def pandas_loop(number: int) -> Sequence[str]:
        return script("ingest_pandas.py", work / f"pandas{number}.duckdb", files)

    found = in_turn({"footfall": ours, "pandas loop": pandas_loop}, 7)
    title = "Bytes on disk to raw (landing, sha256, ledger, tolerant parse, rejections) beside pandas"
    compare(title, "300 files, 432,000 rows", found)


def touched(work: Path) -> None:
    """One touched day after a month and after three years."""
    files = work / "touched"
    write_day(files, DAY)
    for name, days in (("month", 30), ("years", 1095)):
        write_home(work / name)
        subprocess.run(script("make_history.py", work / name, DAY - timedelta(days=1), days), check=True)
        subprocess.run(script("ingest_footfall.py", work / name, files), check=True, stdout=subprocess.DEVNULL)
    found = in_turn({name: lambda _, n=name: script("touch_day.py", work / n, DAY) for name in ("years", "month")}, 5)
    title = "The transform of one touched day, after three years and after a month of history"
    compare(title, "one day of 432,000 rows", {"after 3 years": found["years"], "after 30 days": found["month"]})


def cycle(work: Path) -> None:
    """One scheduled cycle without the UI: Python's start, fetch, land, parse, transform, publish."""

    def run(number: int) -> Sequence[str]:
        home = work / f"cycle{number}"
        write_home(home)
        yesterday = datetime.now(UTC).date() - timedelta(days=1)  # a cycle asks for the days that are due now
        write_day(home / "drop", yesterday - timedelta(days=1), 3)
        command = [PYTHON, "-m", "orchestration.cli", "--home", str(home), "run"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        write_day(home / "drop", yesterday)
        return command

    figures = in_turn({"run": run}, 3, warm_up=0)["run"]
    rows = [("footfall run, 300 files of one day", "whole process s", "processor s", "peak MB")]
    rows.append(("a warehouse that stands", median(figures.wall), median(figures.cpu), median(figures.peak)))
    table("A full cycle, start-up included (bound: 15 s)", rows)


def bespot(_: Path) -> None:
    """Pages over a slow line."""
    command = script("bespot_fetch.py", "--stores", 100, "--days", 30, "--rtt", 0.05)
    subprocess.run(command, check=True)


def main() -> None:
    """Run the named benchmarks, or all."""
    known = {"ingest": ingest, "touched": touched, "cycle": cycle, "bespot": bespot}
    chosen = sys.argv[1:] or list(known)
    if unknown := [name for name in chosen if name not in known]:
        sys.exit(f"unknown benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    for name in chosen:
        work = Path(tempfile.mkdtemp(prefix="footfall-bench-"))
        try:
            known[name](work)
        finally:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
