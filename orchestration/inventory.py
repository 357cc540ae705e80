"""Branches, counters and hours as the reference files give them, validated before anything relies on them.

dbt reads the same CSV files for the numbers; this module is for doctor's findings and for what a fetch needs to know.
"""

import csv
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, field_validator

from orchestration.catalogue import ConfigurationError
from orchestration.sources.contract import Device
from orchestration.sources.profile import is_zone

FILES = ("branches.csv", "counters.csv", "opening_hours.csv", "special_days.csv")


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    return (
        None
        if not text
        else datetime.fromisoformat(text)
        if len(text) > 10
        else datetime.combine(date.fromisoformat(text), datetime.min.time())
    )


def _clock(value: object) -> object:
    """Minutes since midnight from `HH:MM`, past 24:00 for hours after midnight; None for an empty text."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    hours, _, minutes = value.strip().partition(":")
    if not (hours.isdigit() and minutes[:2].isdigit() and int(hours) <= 36 and int(minutes[:2]) < 60):
        msg = f"{value!r} is not a time HH:MM (up to 36:00)"
        raise ValueError(msg)
    return int(hours) * 60 + int(minutes[:2])


Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Clock = Annotated[int | None, BeforeValidator(_clock)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


class Branch(_Row):
    """A shop."""

    branch_code: str
    branch_name: str = ""
    timezone: str
    visitor_basis: Literal["", "in", "out", "average"] = ""
    opened_on: Moment = None
    closed_on: Moment = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if not is_zone(value):
            msg = f"{value!r} is not an IANA zone such as Europe/Athens"
            raise ValueError(msg)
        return value


class Counter(_Row):
    """A counter (or one line of it) at a branch, while the placement is valid: from inclusive, to exclusive."""

    source: str
    device_id: str
    line_id: str = ""
    branch_code: str
    placement: Literal["entrance", "inner", "outside"]
    direction: Literal["", "forward", "reverse"] = ""
    address: str = ""
    timezone: str = ""
    valid_from: Moment = None
    valid_to: Moment = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return Branch._zone(value) if value else value


class OpeningHours(_Row):
    """Opening hours of one weekday."""

    branch_code: str
    weekday: Literal["1", "2", "3", "4", "5", "6", "7"]
    opens: Clock
    closes: Clock
    valid_from: Moment = None
    valid_to: Moment = None


class SpecialDay(_Row):
    """Opening hours of one date, which replace the weekday's; none = closed."""

    branch_code: str
    date: date
    opens: Clock = None
    closes: Clock = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The reference files, read."""

    branches: Sequence[Branch]
    counters: Sequence[Counter]
    opening_hours: Sequence[OpeningHours]
    special_days: Sequence[SpecialDay]
    fingerprint: str

    def devices(self, source: str) -> list[Device]:
        """List the devices of a source as it addresses them, each with its own zone or its branch's."""
        zones = {branch.branch_code: branch.timezone for branch in self.branches}
        return [
            Device(
                item.source,
                item.device_id,
                item.line_id,
                item.address,
                item.timezone or zones.get(item.branch_code, ""),
            )
            for item in self.counters
            if item.source == source
        ]

    def has_foreign_clocks(self, feed_zones: Iterable[str]) -> bool:
        """Tell whether a counter, or a feed with a zone of its own, may keep another time than its branch."""
        zones = {branch.branch_code: branch.timezone for branch in self.branches}
        own = {zone for zone in feed_zones if zone}
        return any(
            (item.timezone and item.timezone != zones.get(item.branch_code)) or own - {zones.get(item.branch_code)}
            for item in self.counters
        )

    def problems(self) -> Iterator[str]:
        """Name what the files say that cannot be meant (each is a finding, not a stop)."""
        codes = {branch.branch_code for branch in self.branches}
        for counter in self.counters:
            if counter.branch_code not in codes:
                branch = repr(counter.branch_code)
                yield f"counters.csv: {counter.device_id} stands in branch {branch}, which branches.csv does not have"
            if counter.valid_from and counter.valid_to and counter.valid_from >= counter.valid_to:
                yield f"counters.csv: {counter.device_id} at {counter.branch_code}: valid_from is not before valid_to"
        for first, second in self._overlapping():
            places = f"{first.branch_code} and {second.branch_code}"
            yield f"counters.csv: {first.device_id} line {first.line_id or '(all)'} is placed twice at once: {places}"
        with_entrance = {counter.branch_code for counter in self.counters if counter.placement == "entrance"}
        for code in sorted(codes - with_entrance):
            yield f"branches.csv: {code} has no counter with placement entrance, so its visitors stay unknown"
        for hours in self.opening_hours:
            if hours.branch_code not in codes:
                yield f"opening_hours.csv: {hours.branch_code!r} is not in branches.csv"
            if hours.opens is not None and hours.closes is not None and hours.opens >= hours.closes:
                advice = "closes is not after opens (write 26:00 for 02:00 of the next day)"
                yield f"opening_hours.csv: {hours.branch_code} weekday {hours.weekday}: {advice}"

    def _overlapping(self) -> Iterator[tuple[Counter, Counter]]:
        groups: dict[tuple[str, str, str], list[Counter]] = {}
        for counter in self.counters:
            groups.setdefault((counter.source, counter.device_id, counter.line_id), []).append(counter)
        for group in groups.values():
            ordered = sorted(group, key=lambda item: item.valid_from or datetime.min)  # noqa: DTZ901 - local, as the file says
            for first, second in itertools.pairwise(ordered):
                if first.valid_to is None or second.valid_from is None or first.valid_to > second.valid_from:
                    yield first, second


R = TypeVar("R", bound=_Row)


def load_inventory(reference: Path) -> Inventory:
    """Read and validate the reference files. Raises ConfigurationError naming file, line and column."""
    digest = hashlib.sha256()
    for name in FILES:
        path = reference / name
        digest.update(name.encode() + (path.read_bytes() if path.exists() else b""))
    return Inventory(
        branches=_rows(reference / "branches.csv", Branch),
        counters=_rows(reference / "counters.csv", Counter),
        opening_hours=_rows(reference / "opening_hours.csv", OpeningHours),
        special_days=_rows(reference / "special_days.csv", SpecialDay),
        fingerprint=digest.hexdigest(),
    )


def _rows(path: Path, model: type[R]) -> list[R]:
    if not path.exists():
        msg = f"{path} is missing: run `footfall init {path.parent.parent}` for a commented one"
        raise ConfigurationError(msg)
    found: list[R] = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [n for n, f in model.model_fields.items() if f.is_required() and n not in (reader.fieldnames or [])]
        if missing:
            msg = f"{path}: no column {', '.join(missing)}; the first line must name the columns"
            raise ConfigurationError(msg)
        for row in reader:
            try:
                found.append(model.model_validate({key: value or "" for key, value in row.items() if key}))
            except ValidationError as error:
                first = error.errors()[0]
                msg = (
                    f"{path}, line {reader.line_num}, column {first['loc'][0] if first['loc'] else ''}: {first['msg']}"
                )
                raise ConfigurationError(msg) from error
    return found
