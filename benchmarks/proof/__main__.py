"""`python -m benchmarks.proof`: make a year, live through it, measure; exit 1 where a figure misses its bound."""

import argparse
import resource
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.proof.completeness import Completeness
from benchmarks.proof.days import counter_days
from benchmarks.proof.estimates import estimate_figures
from benchmarks.proof.figures import Figure
from benchmarks.proof.flags import flag_figures
from benchmarks.proof.outages import outage_figures
from benchmarks.proof.recordings import recording_figures
from benchmarks.proof.report import as_json, as_text
from benchmarks.proof.restated import Restated, as_of_figures
from benchmarks.proof.story import Round, live_through
from emulators.year.grid import Step
from emulators.year.year import Year, build_year
from orchestration.publish.read import open_published


def prove(year: Year, root: Path) -> tuple[list[Figure], list[Round]]:
    """Live through the year in `root` and return the figures."""
    completeness, restated = Completeness(year), Restated(year)

    def look(step: Step, connection: duckdb.DuckDBPyConnection) -> None:
        completeness.look(step, connection)
        restated.look(step, connection)

    rounds = live_through(year, root, look, lambda line: print(line, file=sys.stderr, flush=True))
    return [*completeness.figures(), *restated.figures(), *measure(year, root, rounds)], rounds


def measure(year: Year, root: Path, rounds: list[Round]) -> list[Figure]:
    """Return the figures that the last publication alone answers."""
    days = counter_days(year)
    with open_published(root / "home") as connection:
        connection.execute("set TimeZone = 'UTC'")
        return [
            *(as_of_figures(root, rounds, connection) if rounds else []),
            *outage_figures(year, connection),
            *flag_figures(year, connection, days),
            *estimate_figures(year, connection, days),
        ]


def main() -> None:
    """Read the arguments, prove, tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof", description=__doc__)
    parser.add_argument("--counters", type=int, default=300)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--last-day", type=date.fromisoformat, default=date(2025, 12, 31))
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--keep", type=Path, help="work in this directory and leave it behind")
    parser.add_argument("--look-again", action="store_true", help="only measure the last publication of --keep again")
    parser.add_argument("--without-recordings", action="store_true", help="leave the recordings out")
    given = parser.parse_args()
    if given.keep and given.look_again is not (given.keep / "home").exists():
        parser.error("--look-again needs the --keep directory of an earlier proof, and any other run an empty one")
    started = time.perf_counter()
    root = given.keep or Path(tempfile.mkdtemp(prefix="footfall-proof-"))
    root.mkdir(parents=True, exist_ok=True)
    try:
        year = build_year(given.seed, given.counters, given.days, given.last_day)
        figures, rounds = (measure(year, root, []), []) if given.look_again else prove(year, root)
    finally:
        if given.keep is None:
            shutil.rmtree(root, ignore_errors=True)
    figures += [] if given.without_recordings else recording_figures()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    title = f"{given.counters} counters, {len(year.chain.branches)} branches, {given.days} days to {given.last_day}, "
    title += f"{len(year.faults):,} faults, seed {given.seed}"
    print(as_json(figures, rounds, seconds, peak) if given.json else as_text(title, figures, rounds, seconds, peak))
    sys.exit(any(figure.holds is False for figure in figures))


if __name__ == "__main__":
    main()
