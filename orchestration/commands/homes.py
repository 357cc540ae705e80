"""Which home and days a verb works on, and how those that only read open its ledger: nothing is created or changed."""

from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import typer

from orchestration.catalogue import ConfigurationError
from orchestration.landing.ledger import Ledger
from orchestration.settings import Settings
from orchestration.sources.contract import Window


def settings(home: Path | None) -> Settings:
    """Read the settings; a home given on the command line beats the environment's."""
    return Settings(home=home) if home is not None else Settings()


def existing(home: Path | None) -> Settings:
    """Read the settings of a home that is there. Raises ConfigurationError where none is."""
    found = settings(home)
    if not found.reference.is_dir():
        msg = f"{found.home} is no home (it has no reference/): make one with `footfall init {found.home}`"
        raise ConfigurationError(msg)
    return found


def window(first: datetime | None, last: datetime | None) -> Window | None:
    """Make a window of --from and --to; None where neither is given. One alone is refused, never guessed."""
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise typer.BadParameter("give --from and --to together")
    if first > last:
        raise typer.BadParameter("--from lies after --to")
    return Window(first.date(), last.date())


def read_ledger(found: Settings) -> Ledger | None:
    """Open the ledger for reading alone; None before anything was ever received.

    SQLite in WAL mode makes two files beside the ledger even for a reader, so an idle ledger (no -wal file) is opened
    as immutable: no lock, no trace, and readable where the home is mounted read-only.
    """
    if found.ledger_url is not None:
        return Ledger.at(found.home, found.ledger_url.get_secret_value())
    path = found.home / "ledger.sqlite"
    if not path.exists():
        return None
    idle = "" if path.with_name("ledger.sqlite-wal").exists() else "&immutable=1"
    return Ledger(f"sqlite:///file:{quote(str(path))}?mode=ro{idle}&uri=true")
