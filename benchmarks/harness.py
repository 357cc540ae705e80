"""Run commands in turn as whole processes and compare them pair by pair: ratios hold where a shared machine drifts."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Measured:
    """Figures of one command over several runs: seconds of wall and processor, peak memory in MB, its own last line."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)


def run(command: Sequence[str], into: Measured) -> None:
    """Run a command once; it may print one number last, the seconds of its work without start-up."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert process.stdout is not None
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {process.returncode}\n{output}")
    into.wall.append(time.perf_counter() - started)
    into.cpu.append(usage.ru_utime + usage.ru_stime)
    into.peak.append(usage.ru_maxrss / 1024)
    lines = output.split()
    if lines and lines[-1].replace(".", "", 1).isdigit():
        into.told.append(float(lines[-1]))


def in_turn(commands: dict[str, Callable[[int], Sequence[str]]], runs: int, *, warm_up: int = 1) -> dict[str, Measured]:
    """Run each command once per round, so that all of them meet the same weather; warm-up rounds do not count."""
    found = {name: Measured() for name in commands}
    for number in range(-warm_up, runs):
        for name, command in commands.items():
            run(command(number), found[name] if number >= 0 else Measured())
    return found


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of one/other, pair by pair."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows (the first is the head) in aligned columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    print(f"\n{title}")
    for number, row in enumerate(rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def median(values: Sequence[float]) -> str:
    """Show a median, with the range that says how noisy the machine was."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})" if values else ""
