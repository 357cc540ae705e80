"""A Bespot feed's table, and the two resources that are read. Values only."""

from dataclasses import dataclass
from datetime import time
from typing import Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from orchestration.sources.contract import Kind, Refused
from orchestration.sources.http import HttpSettings


@dataclass(frozen=True, slots=True)
class Interface:
    """One resource: its path below the base address, and each raw column with the spellings seen for it."""

    table: str
    kind: Kind
    path: str
    measures: tuple[tuple[str, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns of the measures, as the vendor's sample bodies spell them."""
        return tuple(spellings[0] for spellings in self.measures)


# The field list says in, out, diff; the sample bodies say in_metric, out_metric, diff_metric. Both are read.
VISITS = Interface(
    "bespot_visits",
    Kind.COUNTS,
    "/bi/acquisition-metrics/visits/",
    (("in_metric", "in"), ("out_metric", "out"), ("diff_metric", "diff")),
)
OCCUPANCY = Interface(
    "bespot_occupancy",
    Kind.OCCUPANCY,
    "/bi/acquisition-metrics/occupancy/",
    (("occupancy_metric", "occupancy"),),
)
INTERFACES = {interface.table: interface for interface in (VISITS, OCCUPANCY)}


class BespotSettings(HttpSettings):
    """The `[feeds.bespot_visits]` or `[feeds.bespot_occupancy]` table of reference/feeds.toml."""

    base_url: str
    user: str = Field(min_length=1)
    timezone: str = "UTC"  # of a store that counters.csv gives none, and of the day when per_store = false
    per_store: bool = True
    page_size: int = Field(default=10_000, ge=1, le=10_000)
    max_pages: int = Field(default=200, ge=1, le=10_000)
    lag_minutes: int = Field(default=5, ge=0, le=1440)
    overlap_minutes: int = Field(default=120, ge=0, le=1440)
    restates_days: int = Field(default=3, ge=0, le=400)
    nightly_hour: int = Field(default=4, ge=0, le=23)
    due: time | None = time(6)  # "" = never: nothing is late and no day is expected
    due_days_after: int = Field(default=1, ge=0, le=60)
    precedence: int = 100
    schedule: str = "*/15 * * * *"

    @field_validator("due", mode="before")
    @classmethod
    def _never_due(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not an IANA zone such as Europe/Athens")
        return value

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        try:
            self.checked_address(self.base_url)
        except Refused as error:
            raise ValueError(str(error)) from None
        if not self.names_a_password:
            raise ValueError("user needs password_env or password_file")
        return self
