"""File families as configuration: what a feed's files are called and how their columns are read.

A profile is one `[feeds.<name>]` table of reference/feeds.toml laid over a shipped one (profiles.toml). Reading the
tables and matching file names live here; reading the files' content lives in tabular.py.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from orchestration.sources.contract import Due, Feed, Kind
from orchestration.sources.remote import RemoteSettings

SHIPPED = Path(__file__).with_name("profiles.toml")
FILE_TABLES = {Kind.COUNTS: "counts", Kind.SALES: "sales"}
_FIELD = re.compile(r"\{(?P<field>\w+)(?::(?P<format>[^}]*))?\}|(?P<star>\*)")
_REQUIRED = {Kind.COUNTS: ("entry_count",), Kind.SALES: ("store_code", "transaction_count", "sales_amount")}
_KNOWN_FIELDS = {
    Kind.COUNTS: {
        "device_id",
        "line_id",
        "timestamp",
        "date",
        "time",
        "interval_end",
        "entry_count",
        "exit_count",
        "staff_count",
    },
    Kind.SALES: {"store_code", "timestamp", "date", "time", "transaction_count", "sales_amount"},
}


@dataclass(frozen=True, slots=True)
class NamedFile:
    """What a file's name says."""

    device_id: str = ""
    line_id: str = ""
    business_date: date | None = None


class FileProfile(BaseModel):
    """One family of files: name pattern, header map, formats, grain. Unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    name: str = "*"
    delimiter: str = "auto"
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    has_header: bool = True
    columns: dict[str, list[str]]
    time_formats: list[str] = Field(min_length=1)
    timezone: str = "branch"
    bucket_label: Literal["start", "end"] = "start"
    grain_minutes: int = Field(default=60, ge=1, le=1440)
    dense: bool = True
    per_device_day: bool = False
    overlap: Literal["interval", "device_day"] = "interval"
    nonexistent_local_time: Literal["reject", "keep"] = "reject"
    refunds: Literal["reject", "keep"] = "reject"
    final_newline: bool = False
    due: time | None = None
    due_days_after: int = Field(default=1, ge=0, le=60)
    restates_days: int = Field(default=8, ge=0, le=400)
    precedence: int = 100
    schedule: str = ""
    remote: RemoteSettings | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _one_name_or_many(cls, value: object) -> object:
        if isinstance(value, Mapping):
            columns = cast("Mapping[str, object]", value)
            return {key: [names] if isinstance(names, str) else names for key, names in columns.items()}
        return value

    @field_validator("time_formats", mode="before")
    @classmethod
    def _one_format_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value != "branch" and not is_zone(value):
            msg = f"{value!r} is not an IANA zone; write one such as Europe/Athens, or 'branch'"
            raise ValueError(msg)
        return value

    @field_validator("name")
    @classmethod
    def _readable_pattern(cls, value: str) -> str:
        compile_name(value)
        return value

    @model_validator(mode="after")
    def _complete(self) -> "FileProfile":
        if self.kind not in FILE_TABLES:
            msg = f"a file feed is of kind counts or sales, not {self.kind}"
            raise ValueError(msg)
        if unknown := self.columns.keys() - _KNOWN_FIELDS[self.kind]:
            msg = f"unknown columns {sorted(unknown)}; a {self.kind} feed knows {sorted(_KNOWN_FIELDS[self.kind])}"
            raise ValueError(msg)
        named = {match["field"] for match in _FIELD.finditer(self.name)}
        missing = [field for field in _REQUIRED[self.kind] if field not in self.columns]
        if "timestamp" not in self.columns and "date" not in self.columns and "date" not in named:
            missing.append("timestamp")
        if (
            self.kind is Kind.COUNTS
            and "device_id" not in self.columns
            and "device_id" not in named | {"serial"} & named
        ) and not {"device_id", "serial"} & named:
            missing.append("device_id")
        if missing:
            msg = f"no column is named for {missing}"
            raise ValueError(msg)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """A hash over all that decides how bytes are read (not where they come from)."""
        text = self.model_dump_json(
            exclude={"remote", "schedule", "due", "due_days_after", "restates_days", "precedence"}
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def feed(self, name: str) -> Feed:
        """Describe this profile as the rest of the house needs to know it."""
        return Feed(
            name=name,
            source=self.source,
            kind=self.kind,
            table=FILE_TABLES[self.kind],
            grain_minutes=self.grain_minutes,
            dense=self.dense,
            per_device_day=self.per_device_day,
            due=Due(self.due, self.due_days_after) if self.due else None,
            restates_days=self.restates_days,
            precedence=self.precedence,
            schedule=self.schedule,
            timezone="" if self.timezone == "branch" else self.timezone,
        )

    def named(self, file_name: str) -> NamedFile | None:
        """Read device, line and business day from a file's name; None where it is not of this family."""
        pattern, date_format = compile_name(self.name)
        match = pattern.fullmatch(file_name.strip())
        if match is None:
            return None
        found = match.groupdict()
        day = None
        if date_format and found.get("date"):
            try:
                day = datetime.strptime(found["date"], date_format).date()  # noqa: DTZ007 - a local calendar day has no zone
            except ValueError:
                return None
        return NamedFile(found.get("serial") or found.get("device_id") or "", found.get("line_id") or "", day)


@cache
def is_zone(name: str) -> bool:
    """Tell whether this is an IANA zone; asked by opening it, because listing all zones reads hundreds of files."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return bool(name)


@cache
def compile_name(pattern: str) -> tuple[re.Pattern[str], str]:
    """Turn `{serial}_{date:%Y%m%d}.csv` into a regular expression and the date's format.

    Fields: device_id (or serial), line_id (digits), date:<strptime format>; any other `{word}` and `*` match anything.
    A name may end in blanks (seen in practice). Raises ValueError for a date without a format.
    """
    parts: list[str] = []
    date_format, last = "", 0
    for match in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[last : match.start()]))
        last = match.end()
        field = match["field"]
        if match["star"]:
            parts.append(".*")
        elif field == "date":
            if not match["format"]:
                msg = f"the name pattern {pattern!r} needs a date format, such as {{date:%Y%m%d}}"
                raise ValueError(msg)
            date_format = match["format"]
            if not _names_a_day(date_format):
                msg = f"{{date:{date_format}}} in the name pattern {pattern!r} names no single day; write * instead"
                raise ValueError(msg)
            parts.append(r"(?P<date>.+?)")
        elif field == "line_id":
            parts.append(r"(?P<line_id>\d+)")
        elif field in ("serial", "device_id"):
            parts.append(f"(?P<{field}>.+)")
        else:
            parts.append(".*")
    parts.append(re.escape(pattern[last:]))
    return re.compile("".join(parts), re.IGNORECASE), date_format


def _names_a_day(date_format: str) -> bool:
    """Tell whether a strptime format holds year, month and day: a month alone would make its file the 1st's."""
    has = {directive for directive in "YymbBdjDxc" if f"%{directive}" in date_format}
    return bool(has & set("Dxc")) or bool(has & set("Yy") and (("d" in has and has & set("mbB")) or "j" in has))


@cache
def shipped_profiles() -> dict[str, dict[str, object]]:
    """Read the profiles that ship ready, by feed name."""
    return tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["feeds"]


def profile_for(feed: str, table: Mapping[str, object]) -> FileProfile:
    """Lay a `[feeds.<feed>]` table over the shipped profile it names (`profile = `) or shares its name with."""
    own = dict(table)
    base = shipped_profiles().get(str(own.pop("profile", feed)), {})
    return FileProfile.model_validate({**base, **own})
