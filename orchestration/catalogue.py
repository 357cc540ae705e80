"""The feeds in use: reference/feeds.toml read into connectors. Every module of sources/ with `open_feed` is asked.

There is no list of vendors to keep: a new module is found by being there.
"""

import importlib
import pkgutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from orchestration import sources
from orchestration.sources.contract import Connector, Feed


class ConfigurationError(Exception):
    """Something in reference/ is wrong; the message says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Connectors by feed name, in the order of the file."""

    connectors: Mapping[str, Connector]

    @property
    def feeds(self) -> list[Feed]:
        """Describe the feeds in use."""
        return [connector.feed for connector in self.connectors.values()]

    def __getitem__(self, feed: str) -> Connector:
        try:
            return self.connectors[feed]
        except KeyError:
            known = ", ".join(sorted(self.connectors)) or "none"
            msg = f"no feed {feed!r} in reference/feeds.toml; feeds in use: {known}"
            raise ConfigurationError(msg) from None

    def chosen(self, names: list[str] | None) -> list[Connector]:
        """Return the named connectors, or all of them."""
        return [self[name] for name in names] if names else list(self.connectors.values())


def load_catalogue(reference: Path) -> Catalogue:
    """Read reference/feeds.toml. Raises ConfigurationError naming the table and key that is wrong."""
    path = reference / "feeds.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("feeds", {})
    except FileNotFoundError:
        msg = f"{path} is missing: run `footfall init {reference.parent}` for a commented one"
        raise ConfigurationError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not valid TOML: {error}"
        raise ConfigurationError(msg) from error
    return Catalogue({name: _open(path, name, table) for name, table in tables.items()})


def _open(path: Path, name: str, table: Mapping[str, object]) -> Connector:
    if not isinstance(table, dict) or not name.replace("_", "").isalnum():
        msg = f"{path}: [feeds.{name}] must be a table, its name of letters, digits and underscores"
        raise ConfigurationError(msg)
    try:
        for module in _likely_first(name):
            offer = getattr(importlib.import_module(f"{sources.__name__}.{module}"), "open_feed", None)
            connector = offer(name, table) if offer else None
            if connector is not None:
                return connector
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{path}: [feeds.{name}] {where}: {first['msg']}"
        raise ConfigurationError(msg) from error
    msg = f"{path}: [feeds.{name}] is no feed that ships and names neither `profile` nor `columns`"
    raise ConfigurationError(msg)


def _likely_first(feed: str) -> list[str]:
    """Order the modules so that a vendor's clients are imported for its own feeds only: files, then the feed's word."""
    modules = [module.name for module in pkgutil.iter_modules(sources.__path__)]
    word = feed.split("_", maxsplit=1)[0]
    return sorted(modules, key=lambda module: (module != "files", module != word))
