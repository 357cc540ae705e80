"""`retract`: withdraw a delivery that should never have been imported, or let it stand again."""

import importlib
import time
from collections.abc import Sequence

import typer

from orchestration.catalogue import load_catalogue
from orchestration.commands.homes import read_ledger
from orchestration.commands.outcome import finish
from orchestration.commands.screen import err, out, print_json, shown
from orchestration.commands.watching import watching
from orchestration.landing.retractions import Named, named_deliveries, retracted
from orchestration.settings import Settings


def retract(settings: Settings, name: str, reason: str | None, *, undo: bool, as_json: bool) -> None:
    """Withdraw the delivery of that id or hash. Raises BadParameter where that names none, or several."""
    if not undo and not (reason or "").strip():
        raise typer.BadParameter("say why: --reason TEXT stands beside the delivery from now on")
    ledger = read_ledger(settings)
    delivery = _only(named_deliveries(ledger, name.strip().lower()) if ledger else [], name)
    load_catalogue(settings.reference).chosen([delivery.feed])
    is_withdrawn = delivery.delivery_id in retracted(settings.home / "landing", delivery.feed)
    if is_withdrawn is not undo:
        told = f"{_told(delivery)} {'is withdrawn already' if is_withdrawn else 'stands already'}: nothing to do"
        if as_json:
            print_json({"is_done": True, "delivery_id": delivery.delivery_id, "changed": False})
        else:
            out().print(told, markup=False, soft_wrap=True)
        return
    runs = importlib.import_module("orchestration.runs")  # Dagster takes seconds, which a mistyped name need not pay
    started = time.perf_counter()
    with watching():
        report = runs.run_retract(settings, delivery.feed, delivery.delivery_id, (reason or "").strip(), undo=undo)
    if not as_json and report.success:
        told = f"{_told(delivery)} {'stands again' if undo else 'is withdrawn'}; `footfall run` corrects its days"
        out().print(told, markup=False, soft_wrap=True)
    finish(settings, [report], time.perf_counter() - started, as_json=as_json)


def _only(found: Sequence[Named], name: str) -> Named:
    if not found:
        raise typer.BadParameter(
            f"no delivery has the id {shown(name)}, or bytes whose SHA-256 begins so (12 digits or more)",
            param_hint="DELIVERY",
        )
    if len(found) > 1:
        for item in found:
            err().print(f"  {item.delivery_id}  {_told(item)}", markup=False, soft_wrap=True)
        raise typer.BadParameter(f"{len(found)} deliveries have these bytes: name one by its id", param_hint="DELIVERY")
    return found[0]


def _told(item: Named) -> str:
    return f"{item.feed} {shown(item.name, 120)}" + (f" of {item.named_date}" if item.named_date else "")
