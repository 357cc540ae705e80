"""Bespot's people-counter API: visits and occupancy per store and minute, pulled every quarter of an hour.

What the interface is and how sure that is: docs/bespot.md. Asking is in asking.py, reading in reading.py.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from orchestration.sources.bespot.asking import fetch
from orchestration.sources.bespot.reading import LAYOUTS, parse
from orchestration.sources.bespot.settings import INTERFACES, BespotSettings, Interface
from orchestration.sources.contract import Asked, Channel, Due, Failure, Feed, Landed, Parsed, Payload

_READING = "1"  # raise it when the same bytes are read differently


def open_feed(name: str, table: Mapping[str, object]) -> "BespotConnector | None":
    """Offer `bespot_visits` and `bespot_occupancy`, and tables of other names whose `profile` is one of these."""
    own = dict(table)
    interface = INTERFACES.get(str(own.pop("profile", name)))
    return BespotConnector(name, interface, BespotSettings.model_validate(own)) if interface else None


@dataclass(frozen=True, slots=True)
class BespotConnector:
    """One resource of one Bespot tenant."""

    name: str
    interface: Interface
    settings: BespotSettings

    @property
    def feed(self) -> Feed:
        """Describe the feed. It counts as dense: staging writes the zeros that a living hour leaves out."""
        table = self.settings
        return Feed(
            name=self.name,
            source="bespot",
            kind=self.interface.kind,
            table=self.interface.table,
            grain_minutes=1,
            dense=True,
            per_device_day=table.per_store and table.due is not None,
            due=Due(table.due, table.due_days_after) if table.due else None,
            restates_days=table.restates_days,
            precedence=table.precedence,
            schedule=table.schedule,
            sums_doors=True,
        )

    @property
    def schema(self) -> pa.Schema:
        """The vendor's columns, then the bookkeeping."""
        return LAYOUTS[self.interface.table]

    @property
    def fingerprint(self) -> str:
        """Nothing in the table changes how bytes are read."""
        return f"{self.interface.table}-{_READING}"

    @property
    def is_remote(self) -> bool:
        """Tell that there is a place to fetch from."""
        return True

    def fetch(self, asked: Asked) -> Iterator[Payload | Failure]:
        """Ask for closed minutes, one payload per store and business day; see asking.fetch."""
        return fetch(self.name, self.interface, self.settings, asked)

    def payload(
        self, name: str, content: bytes, received_at: datetime, channel: Channel, modified_at: datetime | None
    ) -> Payload:
        """Wrap a saved answer: one page, or a list of pages."""
        return Payload(self.name, "bespot", name, content, received_at, channel, modified_at)

    def parse(self, landed: Iterable[Landed]) -> Parsed:
        """Read answers into rows; see reading.parse."""
        return parse(self.name, self.interface, landed)
