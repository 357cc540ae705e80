# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false, reportUnknownLambdaType=false
"""The connector of the five Xovis feeds: which sensors a feed asks, side by side, and who reads the answers."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pyarrow as pa

from orchestration.sources.contract import (
    Asked,
    Channel,
    Failure,
    Feed,
    Landed,
    Parsed,
    Payload,
    Refused,
    SourceError,
)
from orchestration.sources.http import RETRY, Retry
from orchestration.sources.rows import Read, parse_all
from orchestration.sources.xovis.address import DOCUMENT as DOCUMENT_CONTEXT
from orchestration.sources.xovis.address import LEGACY as LEGACY_CONTEXT
from orchestration.sources.xovis.address import Address, Target, target_of
from orchestration.sources.xovis.asking import (
    Ask,
    Talk,
    ask_document,
    ask_history,
    ask_legacy,
    ask_live,
    ask_status,
)
from orchestration.sources.xovis.document import DOCUMENT, read_document
from orchestration.sources.xovis.history import HISTORY, read_history
from orchestration.sources.xovis.legacy import LEGACY, read_legacy
from orchestration.sources.xovis.live import LIVE, read_live
from orchestration.sources.xovis.request import name_in_hand
from orchestration.sources.xovis.sensor import Login, Sensor, SensorClient
from orchestration.sources.xovis.settings import XovisSettings
from orchestration.sources.xovis.status import STATUS, bundle, read_status

IN_FLIGHT = 96  # sensors talked to at a time: thirty that do not answer must not keep the others waiting


@dataclass(frozen=True, slots=True)
class Interface:
    """One way a sensor speaks: whom to ask, what, and how the answers are read."""

    schema: pa.Schema
    speaks: Callable[[Address], bool]
    ask: Ask
    read: Callable[[Landed, XovisSettings], Read]


def _history(item: Landed, settings: XovisSettings) -> Read:
    return read_history(item, settings.timezone, settings.counted_as)


INTERFACES: Mapping[str, Interface] = {
    "xovis_history": Interface(HISTORY, lambda address: address.is_v5, ask_history, _history),
    "xovis_live": Interface(LIVE, lambda address: address.context != DOCUMENT_CONTEXT, ask_live, read_live),
    "xovis_status": Interface(STATUS, lambda address: address.context != DOCUMENT_CONTEXT, ask_status, read_status),
    "xovis_legacy": Interface(LEGACY, lambda address: address.context == LEGACY_CONTEXT, ask_legacy, read_legacy),
    "xovis_document": Interface(
        DOCUMENT, lambda address: address.context == DOCUMENT_CONTEXT, ask_document, read_document
    ),
}


@dataclass(frozen=True, slots=True)
class XovisConnector:
    """A configured feed of one of the five interfaces."""

    name: str
    interface: str
    settings: XovisSettings
    retry: Retry = RETRY

    @property
    def feed(self) -> Feed:
        """Describe the feed."""
        return self.settings.feed(self.name, self.interface)

    @property
    def schema(self) -> pa.Schema:
        """The layout of the rows; see the interface's module."""
        return INTERFACES[self.interface].schema

    @property
    def fingerprint(self) -> str:
        """The hash of what decides how bytes are read."""
        return self.settings.fingerprint

    @property
    def is_remote(self) -> bool:
        """Tell that there is somebody to ask: sensors stand in counters.csv."""
        return True

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what a person should know before trusting this feed's table; for doctor."""
        return self.settings.warnings

    def parse(self, landed: Iterable[Landed]) -> Parsed:
        """Read answers into the interface's layout. Pure."""
        interface = INTERFACES[self.interface]

        def read(item: Landed) -> Read:
            return interface.read(item, self.settings)

        return parse_all(interface.schema, self.name, "xovis", list(landed), read)

    def payload(
        self, name: str, content: bytes, received_at: datetime, channel: Channel, modified_at: datetime | None
    ) -> Payload:
        """Wrap an answer that somebody saved as a file: `DEVICE_2026-03-01.json`, the date optional."""
        device, day = name_in_hand(name)
        return Payload(self.name, "xovis", name, content, received_at, channel, modified_at, device, "", day)

    def fetch(self, asked: Asked) -> Iterator[Payload | Failure]:
        """Yield what the sensors answer, in the order they do. One sensor that fails is a Failure with its own reason.

        Raises Refused when the feed's own password cannot be had.
        """
        settings = self.settings.resolved(asked.home)
        client = SensorClient(settings, self.retry)
        jobs: list[Callable[[], Awaitable[list[Payload | Failure]]]] = []
        for target in self._targets(asked):
            if isinstance(target, Failure):
                yield target
                continue
            try:
                sensor = Sensor(client, target, self._login(target, asked))
            except Refused as error:
                yield Failure(self.name, "no_password", str(error), device_id=target.device_id)
                continue
            jobs.append(partial(self._talk, Talk(self.name, settings, asked, sensor)))
        if not jobs:
            return
        _ = client.trust  # a certificate file that cannot be read concerns them all
        for found in client.completed(jobs, IN_FLIGHT):
            yield from found

    def _targets(self, asked: Asked) -> Iterator[Target | Failure]:
        seen: set[tuple[str, str]] = set()
        for device in asked.devices:
            try:
                target = target_of(device, self.settings.timezone)
            except Refused as error:
                yield Failure(self.name, "bad_address", str(error), device_id=device.device_id)
                continue
            if target is None or not INTERFACES[self.interface].speaks(target.address):
                continue
            if (target.device_id, target.written) not in seen:  # a sensor has a row for each of its lines
                seen.add((target.device_id, target.written))
                yield target

    def _login(self, target: Target, asked: Asked) -> Login:
        """Resolve how this sensor is logged in to: its own entry under `sensors`, else the feed's."""
        kept = self.settings.sensors
        own = kept.get(target.device_id) or kept.get(target.written) or kept.get(target.written.partition("#")[0])
        by_default = "token" if target.address.is_v5 else "basic"
        kind = (own.login if own else "") or self.settings.login or by_default
        if kind == "none":
            return Login("", None, "none")
        if own is not None and (own.password_env or own.password_file):
            return Login(own.user or self.settings.user, asked.secret(own.password_env, own.password_file), kind)
        user = (own.user if own else "") or self.settings.user
        return Login(user, asked.secret(self.settings.password_env, self.settings.password_file), kind)

    async def _talk(self, talk: Talk) -> list[Payload | Failure]:
        try:
            await talk.sensor.prove()
            await INTERFACES[self.interface].ask(talk)
        except SourceError as error:
            if self.interface == "xovis_status" and not any(isinstance(item, Payload) for item in talk.found):
                talk.bring(talk.name("", is_reading=True), self._silence(talk, error))
            talk.fail(error.reason, str(error))
        return talk.found

    @staticmethod
    def _silence(talk: Talk, error: SourceError) -> bytes:
        """Say in a check's own form that the sensor could not even be proven."""
        part = "info/alive" if talk.sensor.target.address.context == LEGACY_CONTEXT else "device/info"
        return bundle({}, {part: error.reason})
