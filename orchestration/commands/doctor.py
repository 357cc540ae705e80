"""`doctor`: every check there is, as a table of ok, warn and fail with what to do. Writes nothing.

The checks of this machine and of the reference files are in machine_checks.py, those that reach a feed's place and try
one file in feed_checks.py.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import typer
from rich.text import Text

from orchestration.catalogue import Catalogue, ConfigurationError, load_catalogue
from orchestration.commands.feed_checks import check_feed
from orchestration.commands.findings import Finding
from orchestration.commands.homes import read_ledger
from orchestration.commands.machine_checks import (
    check_agreement,
    check_home,
    check_problems,
    check_versions,
    check_zones,
)
from orchestration.commands.screen import marked, out, print_json, print_table, shown
from orchestration.commands.watching import watching
from orchestration.inventory import Inventory, load_inventory
from orchestration.progress import report
from orchestration.settings import Settings


def examine(settings: Settings, *, feed: str | None, as_json: bool) -> None:
    """Run the checks and print them. Raises ConfigurationError for a feed that is not there, Exit(1) when one fails."""
    with watching():
        findings = list(_findings(settings, feed))
    failed = [finding for finding in findings if finding.state == "fail"]
    if as_json:
        print_json({"home": settings.home, "is_healthy": not failed, "checks": [_as_json(item) for item in findings]})
    else:
        _print(settings, findings)
    if failed:
        raise typer.Exit(1)


def _findings(settings: Settings, feed: str | None) -> Iterator[Finding]:
    yield from check_versions()
    yield from check_home(settings)
    inventory, findings = _loaded("reference files", lambda: load_inventory(settings.reference))
    yield from findings
    if isinstance(inventory, Inventory):
        yield from check_problems(inventory)
        yield from check_zones({branch.timezone for branch in inventory.branches})
    catalogue, findings = _loaded("feeds.toml", lambda: load_catalogue(settings.reference))
    yield from findings
    if isinstance(catalogue, Catalogue):
        connectors = [catalogue[feed]] if feed else list(catalogue.connectors.values())
        if not connectors:
            yield Finding("feeds.toml", "warn", "no feed is in use", "add a [feeds.<name>] table")
        for number, connector in enumerate(connectors):
            report("doctor", number, len(connectors))
            known = inventory if isinstance(inventory, Inventory) else None
            yield from check_feed(settings, connector, known)
    ledger = read_ledger(settings)
    if ledger is not None:
        yield from check_agreement(settings, ledger, feed)


def _loaded(name: str, load: Callable[[], Any]) -> tuple[Any, Iterable[Finding]]:
    """Load something of reference/, and say how it went."""
    try:
        found = load()
    except ConfigurationError as error:
        return None, [Finding(name, "fail", str(error), "mend that line and run doctor again")]
    if isinstance(found, Inventory):
        counts = (
            f"{len(found.branches)} branches, {len(found.counters)} counters, {len(found.opening_hours)} opening hours"
        )
        return found, [Finding(name, "ok", f"{counts}, {len(found.special_days)} special days")]
    return found, [Finding(name, "ok", f"feeds in use: {', '.join(found.connectors) or 'none'}")]


def _as_json(finding: Finding) -> dict[str, str]:
    return {"check": finding.check, "state": finding.state, "said": finding.said, "remedy": finding.remedy}


def _print(settings: Settings, findings: list[Finding]) -> None:
    rows = [
        (
            marked(item.state),
            item.check,
            Text(shown(item.said, 600) + (f"\n→ {shown(item.remedy, 300)}" if item.remedy else "")),
        )
        for item in findings
    ]
    console = out()
    print_table(f"Doctor of {settings.home}", ("", "check", "finding"), rows, whole=("check",))
    counts = {state: sum(item.state == state for item in findings) for state in ("fail", "warn", "ok")}
    console.print(f"{counts['fail']} failed, {counts['warn']} warnings, {counts['ok']} ok", markup=False)
