# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""The connector of the FootfallCam feeds: which fetch a feed has, and which reader reads its answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from orchestration.sources.contract import Asked, Channel, Failure, Feed, Landed, Parsed, Payload
from orchestration.sources.footfallcam.cube import CubeFetch, SitesFetch
from orchestration.sources.footfallcam.cube_reading import read_cube, read_sites
from orchestration.sources.footfallcam.device import DeviceFetch
from orchestration.sources.footfallcam.device_reading import read_counts
from orchestration.sources.footfallcam.device_request import named_in_hand
from orchestration.sources.footfallcam.export_api import ExportFetch
from orchestration.sources.footfallcam.export_reading import read_export
from orchestration.sources.footfallcam.layouts import CUBE, DEVICE, EXPORT, SITES
from orchestration.sources.footfallcam.settings import (
    SOURCE,
    CubeSettings,
    DeviceSettings,
    ExportSettings,
    FeedSettings,
    SitesSettings,
)
from orchestration.sources.footfallcam.tokens import Tokens
from orchestration.sources.http import RETRY, Retry
from orchestration.sources.rows import Read, parse_all

_READING = "1"  # raise it when the same bytes are read differently
LAYOUTS: Mapping[str, Any] = {
    "footfallcam_device": DEVICE,
    "footfallcam_export_api": EXPORT,
    "footfallcam_cube": CUBE,
    "footfallcam_sites": SITES,
}


@dataclass(frozen=True, slots=True)
class FootfallCamConnector:
    """A configured feed of one of the four interfaces. Tokens stay in memory with it."""

    name: str
    interface: str
    settings: FeedSettings
    retry: Retry = RETRY
    tokens: Tokens = field(default_factory=Tokens, repr=False, compare=False)

    @property
    def feed(self) -> Feed:
        """Describe the feed."""
        return self.settings.feed(self.name, self.interface)

    @property
    def schema(self) -> Any:
        """The layout of the rows; see layouts.py."""
        return LAYOUTS[self.interface]

    @property
    def fingerprint(self) -> str:
        """The hash of what decides how bytes are read."""
        return f"{_READING}-{self.settings.fingerprint}"

    @property
    def is_remote(self) -> bool:
        """Tell that there is somebody to ask."""
        return True

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what a person should know before trusting this feed's table; for doctor."""
        return self.settings.warnings

    def fetch(self, asked: Asked) -> Iterator[Payload | Failure]:
        """Yield answers as they come. One counter or day that fails is a Failure; Refused stops the feed."""
        match self.settings:
            case DeviceSettings():
                return DeviceFetch(self.name, self.settings, asked, self.retry, self.tokens)()
            case ExportSettings():
                return ExportFetch(self.name, self.settings, asked, self.retry)()
            case CubeSettings():
                return CubeFetch(self.name, self.settings, asked, self.retry, self.tokens)()
            case _:
                return SitesFetch(self.name, cast("SitesSettings", self.settings), asked, self.retry, self.tokens)()

    def payload(
        self, name: str, content: bytes, received_at: datetime, channel: Channel, modified_at: datetime | None
    ) -> Payload:
        """Wrap an answer that somebody saved: of a counter `DEVICE_2026-03-01.json`, of the others under any name."""
        device, day = named_in_hand(name) if self.interface == "footfallcam_device" else ("", None)
        return Payload(self.name, SOURCE, name, content, received_at, channel, modified_at, device, "", day)

    def parse(self, landed: Iterable[Landed]) -> Parsed:
        """Read answers into the interface's layout. Pure."""
        return parse_all(self.schema, self.name, SOURCE, list(landed), self._reader())

    def _reader(self) -> Callable[[Landed], Read]:
        match self.settings:
            case DeviceSettings() as device:
                return lambda item: read_counts(item, device)
            case ExportSettings() as export:
                return lambda item: read_export(item, export)
            case CubeSettings() as cube:
                return lambda item: read_cube(item, cube)
            case _:
                return read_sites
