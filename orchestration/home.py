"""One FOOTFALL_HOME, opened: its configuration checked, its rooms at hand. What is done with them is in steps.py."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from orchestration.catalogue import Catalogue, load_catalogue
from orchestration.inventory import Inventory, load_inventory
from orchestration.landing.adopt import adopt
from orchestration.landing.ledger import Ledger
from orchestration.landing.store import Landing
from orchestration.raw.store import Raw
from orchestration.settings import Settings
from orchestration.sources.contract import Failure


@dataclass(frozen=True, slots=True)
class Home:
    """One FOOTFALL_HOME, opened."""

    settings: Settings
    catalogue: Catalogue
    inventory: Inventory
    landing: Landing
    ledger: Ledger
    raw: Raw


@dataclass(slots=True)
class Ingested:
    """What an ingest of one feed brought. `days`: the business days whose raw rows were replaced."""

    feed: str
    kept: int = 0
    duplicates: int = 0
    failures: list[Failure] = field(default_factory=list)
    unreadable: int = 0
    rows: int = 0
    rejected_rows: int = 0
    days: set[date] = field(default_factory=set)


def utc_now() -> datetime:
    """Tell the time; the only clock of the steps."""
    return datetime.now(UTC)


def open_home(settings: Settings) -> Home:
    """Open a home: reference files checked, directories made, landed payloads that the ledger lacks entered."""
    home = Home(
        settings=settings,
        catalogue=load_catalogue(settings.reference),
        inventory=load_inventory(settings.reference),
        landing=Landing(settings.home / "landing"),
        ledger=Ledger.at(settings.home, settings.ledger_url.get_secret_value() if settings.ledger_url else None),
        raw=Raw(settings.home / "raw"),
    )
    home.raw.prepare(home.catalogue.connectors.values())
    adopt(home.ledger, home.landing, utc_now())
    return home
