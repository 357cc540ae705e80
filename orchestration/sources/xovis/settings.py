"""The `[feeds.<name>]` table of a Xovis feed, validated: access, what is asked, and which counters are in and out.

Values only. How a sensor is addressed is in address.py.
"""

import hashlib
from collections.abc import Mapping
from datetime import time
from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from orchestration.sources.contract import Due, Feed, Kind
from orchestration.sources.http import HttpSettings

KINDS: Mapping[str, Kind] = {
    "xovis_history": Kind.COUNTS,
    "xovis_live": Kind.COUNTS,
    "xovis_status": Kind.STATUS,
    "xovis_legacy": Kind.COUNTS,
    "xovis_document": Kind.COUNTS,
}
INTERFACES = frozenset(KINDS)
LEGACY_DOCUMENTS = {  # firmware 3 and 4 (seen in practice: two public drivers, one capture of each)
    "count-data": "api/count-data",
    "alive": "api/info/alive",
    "sensor-status": "api/info/sensor-status",
    "persistence": "api/info/persistence",
}
_LOCAL = ("password", "token")


class SensorLogin(BaseModel):
    """Another user than the feed's for some sensor: `[feeds.<name>.sensors."<address or device_id>"]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: str = ""
    password_env: str = ""
    password_file: str = ""
    login: Literal["", "basic", "token", "none"] = ""

    @model_validator(mode="before")
    @classmethod
    def _no_secret_here(cls, table: object) -> object:
        if isinstance(table, dict) and any(key in table for key in _LOCAL):
            raise ValueError("the password does not stand here: name it with password_env or password_file")
        return table  # pyright: ignore[reportUnknownVariableType] - untrusted until the fields are validated


class XovisSettings(HttpSettings):
    """What a Xovis feed's table may say, on top of what every pulled feed's table may.

    `login`: `basic` sends user and password with every question (documented for all generations), `token` logs in once
    per run (firmware 5 documented, older seen in practice); empty: token for firmware 5, basic for older.
    `verify = false` accepts any certificate; `fingerprints` accepts exactly those (SHA-256 of the certificate).
    `entry_counters`, `exit_counters`: the names that count in and out; installers may choose their own.
    """

    user: str = "admin"
    login: Literal["", "basic", "token", "none"] = ""
    verify: bool = True
    fingerprints: tuple[str, ...] = ()
    sensors: dict[str, SensorLogin] = Field(default_factory=dict)
    timezone: str = "UTC"
    connect_timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    max_body_bytes: int = Field(default=32 * 2**20, gt=0)
    concurrency: int = Field(default=1, ge=1, le=8)  # a sensor is a small computer: one question at a time
    max_connections: int = Field(default=64, ge=1, le=256)

    resolution_min: Literal[1, 5, 10, 15, 30, 60] = 1
    entry_counters: tuple[str, ...] = ("fw", "in", "fw-count")
    exit_counters: tuple[str, ...] = ("bw", "out", "bw-count")
    clock_tolerance_seconds: float = Field(default=90.0, gt=0)
    legacy_format: Literal["json", "xml"] = "xml"
    legacy_documents: tuple[Literal["count-data", "alive", "sensor-status", "persistence"], ...] = tuple(
        LEGACY_DOCUMENTS  # type: ignore[assignment]
    )
    document_path: str = "api/v1/occupancy/current"
    document_ask: Literal["range", "current"] = "range"
    check_serial: bool = True

    grain_minutes: int | None = Field(default=None, ge=1, le=60)
    due: time | None = time(6)
    due_days_after: int = Field(default=1, ge=0, le=60)
    per_device_day: bool = True  # of xovis_history; false where sensors without that interface stand beside others
    restates_days: int = Field(default=8, ge=0, le=400)
    precedence: int | None = None
    schedule: str = ""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not an IANA zone such as Europe/Athens")
        return value

    @field_validator("fingerprints")
    @classmethod
    def _plain_fingerprints(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(value.lower().removeprefix("sha256:").replace(":", "") for value in values)
        if any(len(value) != 64 or set(value) - set("0123456789abcdef") for value in plain):
            raise ValueError("a fingerprint is the SHA-256 of the certificate, 64 hexadecimal digits")
        return plain

    @model_validator(mode="after")
    def _one_way_to_trust(self) -> Self:
        if sum((not self.verify, bool(self.fingerprints), self.ca_file is not None)) > 1:
            raise ValueError("give one of ca_file, fingerprints and verify = false")
        if set(self.entry_counters) & set(self.exit_counters):
            raise ValueError("a counter name cannot count both in and out")
        return self

    @property
    def fingerprint(self) -> str:
        """A hash over what decides how the same bytes are read."""
        read = (self.timezone, self.entry_counters, self.exit_counters, self.clock_tolerance_seconds)
        return hashlib.sha256(repr(read).encode()).hexdigest()[:16]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what a person should know before trusting this table."""
        found: list[str] = []
        if not self.verify:
            found.append("verify = false: any certificate is accepted, so anybody in between can read the password")
        if self.allow_plain_http and self.login != "none":
            found.append(f"allow_plain_http: the password goes unencrypted to {', '.join(self.allow_plain_http)}")
        return tuple(found)

    def counted_as(self, name: str) -> str:
        """Tell whether a counter of this name counts in (`entry`), out (`exit`) or neither (empty)."""
        return "entry" if name in self.entry_counters else "exit" if name in self.exit_counters else ""

    def feed(self, name: str, interface: str) -> Feed:
        """Describe this feed as the rest of the house needs to know it.

        History outranks live readings where both are complete: its minutes are the sensor's own records.
        """
        is_daily = interface == "xovis_history"
        grain = self.resolution_min if interface == "xovis_history" else 15
        order = {"xovis_history": 20, "xovis_live": 60, "xovis_legacy": 60, "xovis_document": 90}
        return Feed(
            name=name,
            source="xovis",
            kind=KINDS[interface],
            table=interface,
            grain_minutes=self.grain_minutes or grain,
            dense=True,
            per_device_day=is_daily and self.per_device_day,
            due=Due(self.due, self.due_days_after) if self.due and is_daily else None,
            restates_days=self.restates_days,
            precedence=self.precedence if self.precedence is not None else order.get(interface, 100),
            schedule=self.schedule,
        )
