"""What `query` is about: find the counter, build the question. Showing and asking it are in query_show.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import typer

from orchestration.catalogue import ConfigurationError, load_catalogue
from orchestration.inventory import load_inventory
from orchestration.settings import Settings
from orchestration.sources.contract import Connector, Device
from orchestration.sources.footfallcam.connector import FootfallCamConnector
from orchestration.sources.footfallcam.device_request import (
    COUNT_PATH,
    TOKEN_PATH,
    CountQuery,
    Target,
    base_url,
    count_address,
    targets,
    token_address,
)
from orchestration.sources.footfallcam.settings import SOURCE, DeviceSettings

INFERRED = "inferred: the address that the vendor's tool asks is not published; this asks for single seconds"
_FORMATS = {"hourly": "hour", "minutes": "minute", "seconds": "second", "last60": "second"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen on the command line."""

    what: str
    feed: str | None = None
    device: str | None = None
    first: date | None = None
    last: date | None = None
    time_start: time | None = None
    time_end: time | None = None
    resolution: int | None = None
    is_xml: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is ready to be asked. `query` is None for a token; `note` says what is not certain."""

    connector: FootfallCamConnector
    settings: DeviceSettings
    target: Target
    query: CountQuery | None
    note: str = ""

    @property
    def address(self) -> str:
        """The address without parameters."""
        return f"{self.target.base_url}/{COUNT_PATH if self.query else TOKEN_PATH}"

    @property
    def params(self) -> Mapping[str, str | int]:
        """The parameters without the secret one."""
        return self.query.params if self.query else {"username": self.settings.user}

    @property
    def secret_name(self) -> str:
        """The parameter that holds the secret."""
        return "access_token" if self.query else "password"

    @property
    def secret_variable(self) -> str:
        """The environment variable that snippets read it from."""
        return "ACCESS_TOKEN" if self.query else "COUNTER_PASSWORD"

    @property
    def url(self) -> str:
        """The whole address, the secret masked."""
        if self.query is None:
            return token_address(self.target.base_url, self.settings.user)
        return count_address(self.target.base_url, self.query)


def build(settings: Settings, choice: Choice, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Question:
    """Build a question. Raises ConfigurationError where feed or counter is not found, BadParameter for bad values."""
    connector, device_settings = _connector(settings, choice)
    target = _target(settings, choice, device_settings)
    if choice.what == "token":
        return Question(connector, device_settings, target, None)
    local = now().astimezone(ZoneInfo(target.timezone)).replace(tzinfo=None, microsecond=0)
    try:
        if choice.what == "last60":
            query = _last_minute(choice, local)
            return Question(connector, device_settings, target, query, INFERRED)
        query = _counts(choice, device_settings, local.date())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    note = "" if query.data_format != "second" else "seconds need firmware 3.2.0 or later"
    return Question(connector, device_settings, target, query, note)


def _counts(choice: Choice, settings: DeviceSettings, today: date) -> CountQuery:
    data_format = _FORMATS[choice.what]
    usual = {"hour": 60, "minute": settings.resolution_min, "second": settings.resolution_sec}[data_format]
    if data_format == "hour" and choice.resolution is not None:
        raise ValueError("hours have no resolution")
    first = choice.first or today - timedelta(days=1)
    return CountQuery(
        "xml" if choice.is_xml else settings.data_type,
        data_format,
        usual if choice.resolution is None else choice.resolution,
        first,
        choice.last or first,
        choice.time_start,
        choice.time_end,
    )


def _last_minute(choice: Choice, local: datetime) -> CountQuery:
    """Ask for the last sixty seconds of the counter's day: a range of times cannot go past midnight."""
    if choice.first or choice.last or choice.time_start or choice.time_end:
        raise ValueError("last60 is about now: it takes no date and no time")
    start = max(local - timedelta(seconds=60), datetime.combine(local.date(), time()))
    resolution = 1 if choice.resolution is None else choice.resolution
    day = local.date()
    return CountQuery("xml" if choice.is_xml else "json", "second", resolution, day, day, start.time(), local.time())


def _connector(settings: Settings, choice: Choice) -> tuple[FootfallCamConnector, DeviceSettings]:
    """Find the feed whose table says how counters are asked; the shipped values where there is no such feed."""
    connectors: list[Connector] = []
    if choice.feed is not None:
        connectors = [load_catalogue(settings.reference)[choice.feed]]
    elif (settings.reference / "feeds.toml").exists():
        connectors = list(load_catalogue(settings.reference).connectors.values())
    fitting = [
        (connector, connector.settings)
        for connector in connectors
        if isinstance(connector, FootfallCamConnector) and isinstance(connector.settings, DeviceSettings)
    ]
    if choice.feed is not None and not fitting:
        raise ConfigurationError(f"feed {choice.feed!r} asks no counters: query is about footfallcam_device feeds")
    if len(fitting) > 1:
        names = ", ".join(connector.name for connector, _ in fitting)
        raise ConfigurationError(f"several feeds ask counters ({names}): name one with --feed")
    shipped = DeviceSettings()
    return fitting[0] if fitting else (FootfallCamConnector("query", "footfallcam_device", shipped), shipped)


def _target(settings: Settings, choice: Choice, device_settings: DeviceSettings) -> Target:
    devices: list[Device] = []
    if (settings.reference / "counters.csv").exists():
        devices = load_inventory(settings.reference).devices(SOURCE)
    known = targets(devices, device_settings)
    if choice.device is None:
        if known:
            return known[0]
        raise ConfigurationError("counters.csv has no footfallcam counter with an address: give one with --device")
    for target in known:
        if choice.device in (target.device_id, target.base_url, target.base_url.partition("://")[2]):
            return target
    if "." in choice.device or "://" in choice.device:
        return Target(choice.device, base_url(choice.device), device_settings.row_timezone or "UTC")
    raise ConfigurationError(f"counters.csv has no footfallcam counter {choice.device!r} with an address")
