"""`demo`: an emulated chain through the whole system over the vendors' real protocols, compared with its own truth.

Chooses the home, runs the story (demo_story.py), compares (demo_compare.py) and tells (demo_tables.py). Only these
modules know the emulators, and they are loaded here alone: the demo's extra packages may be missing.
"""

import importlib
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from orchestration.catalogue import ConfigurationError
from orchestration.commands.homes import settings as settings_of
from orchestration.commands.screen import err, only_the_answer, print_json
from orchestration.publish.read import open_published
from orchestration.settings import Settings

MARK = ".footfall-demo"
_EXTRAS = ("asyncssh", "pyftpdlib", "trustme")


def run_demo(home: Path | None, *, days: int, seed: int, keep: bool, as_json: bool) -> None:
    """Run the demo. Raises Exit(1) where the system and the truth differ or a step failed."""
    story, tables = _loaded("demo_story"), _loaded("demo_tables")
    usual = settings_of(home)
    settings = Settings(home=fresh_home(usual.home if home else usual.home / "demo", keep=keep))
    with only_the_answer():
        told = story.live_through(settings, seed=seed, days=days)
    if told.errors:
        for error in told.errors:
            err().print(error, style="red", markup=False, soft_wrap=True)
        if as_json:
            print_json({"feeds": {}, "marts_equal_truth": False, "home": settings.home, "errors": told.errors})
        raise typer.Exit(1)
    if as_json:
        print_json(_as_json(settings, told))
    else:
        with closing(open_published(settings.home)) as connection:
            tables.tell(settings, told, connection)
    if not all(verdict.is_equal for verdict in told.verdicts):
        raise typer.Exit(1)


def fresh_home(home: Path, *, keep: bool) -> Path:
    """Make an empty home. An earlier demo's is replaced, or kept beside; anything else is never touched.

    Raises ConfigurationError where something stands that no demo made.
    """
    place, number = home, 2
    while keep and place.exists():
        place, number = home.with_name(f"{home.name}-{number}"), number + 1
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        if not (place / MARK).is_file():
            msg = f"{place} is not empty and no demo made it: give another directory with --home"
            raise ConfigurationError(msg)
        shutil.rmtree(place)
    place.mkdir(parents=True, exist_ok=True)
    (place / MARK).write_text("Made by `footfall demo`, which replaces this directory each time.\n", encoding="utf-8")
    return place


def _loaded(name: str) -> Any:
    try:
        return importlib.import_module(f"orchestration.commands.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in (*_EXTRAS, "emulators"):
            raise
        msg = f"the demo needs {error.name}, which is not installed: pip install 'footfall[demo]'"
        raise ConfigurationError(msg) from error


def _as_json(settings: Settings, told: Any) -> dict[str, Any]:
    verdict = told.verdicts[-1]
    return {
        "feeds": {
            name: {"rows": feed.row_count, "equals_truth": feed.is_equal, "rows_in_truth": feed.truth_count}
            for name, feed in verdict.feeds.items()
        },
        "marts_equal_truth": verdict.is_equal,
        "marts_equal_truth_by_wave": [each.is_equal for each in told.verdicts],
        "home": settings.home,
        "marts": {
            mart.mart: {"rows": mart.row_count, "rows_in_truth": mart.truth_count, "differences": mart.shown()}
            for mart in verdict.marts
        },
        "faults": len(told.world.faults),
        "seconds": {step.name: round(step.seconds, 3) for step in told.steps},
    }
