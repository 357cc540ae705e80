"""The `[feeds.<name>]` tables of the FootfallCam feeds, validated. Values only.

Whatever the vendor does not document about a body (its names, its clock, whether zeros are sent) is a key here.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import time
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from orchestration.sources.contract import Due, Feed, Kind, Refused
from orchestration.sources.http import HttpSettings

Resolution = Literal[1, 5, 10, 15, 30, 60]  # documented, for minutes and for seconds
SOURCE = "footfallcam"
_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class FeedSettings(HttpSettings):
    """What every FootfallCam feed's table may say.

    `timezone`: `branch` where times are the shop's local time (inferred), else an IANA zone. `dense`: whether an absent
    interval is missing (true) or zero; whether zeros are sent is not documented, and missing is the honest reading.
    """

    timezone: str = "branch"
    dense: bool = True
    include_today: bool = False
    restates_days: int = Field(default=8, ge=0, le=400)  # a counter that was offline uploads for a week
    due: time | None = None  # "" in feeds.toml: never
    due_days_after: int = Field(default=1, ge=0, le=60)
    precedence: int = 100
    schedule: str = ""

    @field_validator("due", mode="before")
    @classmethod
    def _never_due(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value != "branch":
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{value!r} is not an IANA zone such as Europe/Athens, nor 'branch'") from None
        return value

    @property
    def row_timezone(self) -> str:
        """What raw rows say of their zone: empty for the counter's or branch's own."""
        return "" if self.timezone == "branch" else self.timezone

    @property
    def _reading(self) -> tuple[object, ...]:
        return (self.timezone, self.dense)

    @property
    def fingerprint(self) -> str:
        """A hash over what decides how the same bytes are read."""
        return hashlib.sha256(repr(self._reading).encode()).hexdigest()[:16]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what a person should know before trusting this table."""
        return ()

    @property
    def grain_minutes(self) -> int:
        """The length of an interval."""
        return 60

    @property
    def is_branch_report(self) -> bool:
        """Tell whether rows are the vendor's figures of whole sites, which are compared and never added up."""
        return True

    def feed(self, name: str, table: str) -> Feed:
        """Describe this feed as the rest of the house needs to know it."""
        return Feed(
            name=name,
            source=SOURCE,
            kind=Kind.REFERENCE if self.is_branch_report else Kind.COUNTS,
            table=table,
            grain_minutes=self.grain_minutes,
            dense=self.dense,
            per_device_day=table == "footfallcam_device",
            due=Due(self.due, self.due_days_after) if self.due and not self.is_branch_report else None,
            restates_days=self.restates_days,
            precedence=self.precedence,
            schedule=self.schedule,
        )


class Fields(BaseModel):
    """How a counter's rows name things (inferred: the vendor's habit elsewhere; the body is not documented)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: str = "Timestamp"
    entry: str = "ValueIn"
    exit: str = "ValueOut"


class DeviceSettings(FeedSettings):
    """`[feeds.footfallcam_device]`: counters with a static IP, asked one by one in their own network.

    `password_env` and `password_file` may hold `{device_id}`, because the password is each counter's own (documented).
    `devices`: only these; empty: every counter of counters.csv that has an address.
    """

    user: str = Field(default="admin", min_length=1)  # documented, with the warning that case matters
    devices: tuple[str, ...] = ()
    data_type: Literal["json", "xml"] = "json"
    data_format: Literal["hour", "minute", "second"] = "minute"
    resolution_min: Resolution = 1
    resolution_sec: Resolution = 10
    bucket_label: Literal["start", "end"] = "start"
    body: Literal["auto", "flat", "wrapped", "typed"] = "auto"
    fields: Fields = Fields()
    time_format: str = ""
    clock_tolerance_seconds: float = Field(default=1800.0, gt=0)
    connect_timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    max_body_bytes: int = Field(default=32 * 2**20, gt=0)
    concurrency: int = Field(default=1, ge=1, le=1)  # a counter is a small computer: one question at a time
    max_connections: int = Field(default=48, ge=1, le=256)
    due: time | None = time(6)
    precedence: int = 110  # after the daily file (100), whose format is agreed with the vendor

    @property
    def interval_seconds(self) -> int:
        """The length of a bucket."""
        return {"hour": 3600, "minute": 60 * self.resolution_min, "second": self.resolution_sec}[self.data_format]

    @property
    def grain_minutes(self) -> int:
        """The length of a bucket as staging shows it: seconds are added up to minutes."""
        return max(1, self.interval_seconds // 60)

    @property
    def is_branch_report(self) -> bool:
        """Tell that these are counters."""
        return False

    @property
    def _reading(self) -> tuple[object, ...]:
        fields = (self.fields.time, self.fields.entry, self.fields.exit)
        return (*super()._reading, self.bucket_label, self.body, fields, self.time_format, self.clock_tolerance_seconds)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what a person should know before trusting this table."""
        found = ["the body of apiCount.cgi is not documented: compare one day with the portal before relying on it"]
        if self.allow_plain_http:
            networks = ", ".join(self.allow_plain_http)
            found.append(f"the counters' passwords and tokens cross {networks} unencrypted, as the vendor has it")
        return tuple(found)

    @property
    def has_own_passwords(self) -> bool:
        """Tell whether each counter has a password of its own."""
        return "{device_id}" in self.password_env + self.password_file

    def secret_place(self, device_id: str) -> tuple[str, str]:
        """Name where a counter's password is: environment variable, file. Raises Refused for an unfit device id."""
        if self.has_own_passwords and not _DEVICE_ID.fullmatch(device_id):
            raise Refused(f"device id {device_id[:40]!r} cannot be part of a secret's name")
        return self.password_env.replace("{device_id}", device_id), self.password_file.replace("{device_id}", device_id)


class ExportSettings(FeedSettings):
    """`[feeds.footfallcam_export_api]`: URLs as the portal's Copy button gives them. Each holds a token.

    `url_env` or `url_file` name it, several URLs one a line. `data_aggregation` and `time_aggregation` repeat what was
    chosen on the Export page, because the codes in the URL are not documented. `optional_keys`: known keys that may be
    absent. `complete_status`: the words of both status columns that mean final (never seen, so none is assumed).
    """

    url_env: str = ""
    url_file: str = ""
    data_aggregation: Literal["counter", "site"]
    time_aggregation: Literal["hourly", "daily"]
    date_pattern: str = ""
    device_key: Literal["CameraSerial", "CameraId", "Counter"] = "CameraSerial"
    optional_keys: tuple[str, ...] = ()
    complete_status: tuple[str, ...] = ()
    concurrency: int = Field(default=2, ge=1, le=8)
    timeout_seconds: float = Field(default=180.0, gt=0, le=600)
    due: time | None = time(6)
    precedence: int = 120

    @model_validator(mode="after")
    def _names_a_url(self) -> Self:
        if bool(self.url_env) == bool(self.url_file):
            raise ValueError("name the pasted URL with url_env or url_file: it holds a token and never stands here")
        return self

    @property
    def grain_minutes(self) -> int:
        """The length of an interval."""
        return 60 if self.time_aggregation == "hourly" else 1440

    @property
    def is_branch_report(self) -> bool:
        """Tell whether rows are of sites."""
        return self.data_aggregation == "site"

    @property
    def _reading(self) -> tuple[object, ...]:
        shape = (self.data_aggregation, self.time_aggregation, self.device_key)
        return (*super()._reading, *shape, self.optional_keys, self.complete_status)


class AccountSettings(FeedSettings):
    """What the feeds of an account share. `user` is its e-mail address; a token lives `token_days`."""

    user: str = Field(min_length=3)
    account_url: str = "https://v9.footfallcam.com"
    data_url: str = "https://data.footfallcam.com"
    cube_url: str = "https://cube.footfallcam.com"
    token_days: int = Field(default=1, ge=1, le=366)
    concurrency: int = Field(default=2, ge=1, le=8)
    timeout_seconds: float = Field(default=180.0, gt=0, le=600)

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if not self.names_a_password:
            raise ValueError("user needs password_env or password_file")
        for url in (self.account_url, self.data_url, self.cube_url):
            try:
                self.checked_address(url)
            except Refused as error:
                raise ValueError(str(error)) from None
        return self


class SitesSettings(AccountSettings):
    """`[feeds.footfallcam_sites]`: the sites that an account sees."""

    restates_days: int = Field(default=0, ge=0, le=0)


class CubeSettings(AccountSettings):
    """`[feeds.footfallcam_cube]`: one Cube object, hour by hour or day by day, for all sites or some.

    Members are written without the object's name. A00 codes and FC codes: see docs/footfallcam.md.
    """

    cube: str = Field(default="ffc_site_summary", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    granularity: Literal["hour", "day"] = "hour"
    entry_measure: str = "A01"
    exit_measure: str = "A02"
    more_measures: tuple[str, ...] = ()
    site_id: str = "SiteId"
    site_code: str = "SiteCode"
    site_name: str = "SiteName"
    more_dimensions: tuple[str, ...] = ()
    time_dimension: str = "Time"
    site_ids: tuple[str, ...] = ()
    query_type: Literal["", "multi"] = ""
    limit: int = Field(default=50_000, ge=1, le=1_000_000)
    wait_polls: int = Field(default=30, ge=1, le=1000)
    wait_seconds: float = Field(default=2.0, ge=0, le=60)

    @property
    def grain_minutes(self) -> int:
        """The length of an interval."""
        return 60 if self.granularity == "hour" else 1440

    @property
    def _reading(self) -> tuple[object, ...]:
        members = (self.cube, self.granularity, self.entry_measure, self.exit_measure, self.time_dimension)
        return (*super()._reading, *members, self.site_id, self.site_code, self.site_name)


SETTINGS: Mapping[str, type[FeedSettings]] = {
    "footfallcam_device": DeviceSettings,
    "footfallcam_export_api": ExportSettings,
    "footfallcam_cube": CubeSettings,
    "footfallcam_sites": SitesSettings,
}
