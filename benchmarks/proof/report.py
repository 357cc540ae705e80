"""The report as a table for people and as JSON for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.proof.figures import Figure
from benchmarks.proof.story import Round


def as_text(title: str, figures: Sequence[Figure], rounds: Sequence[Round], seconds: float, peak: float) -> str:
    """Lay the figures out: name, value, bound, verdict; notes under a figure that misses its bound."""
    width = max(len(figure.name) for figure in figures)
    shown = max(len(figure.shown) for figure in figures)
    lines = [title, ""]
    for figure in figures:
        verdict = {True: "holds", False: "MISSED", None: ""}[figure.holds]
        lines.append(f"{figure.name:<{width}}  {figure.shown:<{shown}}  {figure.bound:<14}  {verdict}".rstrip())
        lines += [f"    {note}" for note in figure.notes]
    stages = {
        name: sum(each.seconds.get(name, 0.0) for each in rounds) for name in (rounds[0].seconds if rounds else {})
    }
    lines += ["", f"{sum(each.files for each in rounds):,} files, {len(rounds)} publications, {seconds:.0f} s: "]
    lines[-1] += ", ".join(f"{name} {value:.0f} s" for name, value in stages.items()) + f"; peak memory {peak:.0f} MB"
    return "\n".join(lines)


def as_json(figures: Sequence[Figure], rounds: Sequence[Round], seconds: float, peak: float) -> str:
    """Return the same as one JSON object."""
    told = [
        {"round": each.step.name, "published_at": each.published_at.isoformat(), "files": each.files}
        | {"seconds": {name: round(value, 2) for name, value in each.seconds.items()}, "revised": each.revised}
        for each in rounds
    ]
    holds = all(figure.holds is not False for figure in figures)
    found = {"holds": holds, "figures": [asdict(figure) for figure in figures], "rounds": told}
    return json.dumps({**found, "seconds": round(seconds, 1), "peak_mb": round(peak)}, indent=2)
