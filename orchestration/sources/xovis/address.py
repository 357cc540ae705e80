"""How a row of counters.csv addresses a sensor: base URL and, after `#`, which interface speaks there. Values only.

`10.0.0.5`, `https://10.0.0.5:8443`, `https://manager/api/v1/devices/02:00:5e:00:00:01/access` (a central system's
tunnel), `http://10.0.0.9#legacy`, `https://10.0.0.5#multisensors/1` (a stitched scene, which has counters of its own).
"""

import re
from dataclasses import dataclass

from orchestration.sources.contract import Device, Refused

SINGLE = "singlesensor"
LEGACY = "legacy"
DOCUMENT = "document"
_CONTEXT = re.compile(r"singlesensor|multisensor|multisensors/[A-Za-z0-9_-]+|legacy|document")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:_-]?){5}[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Address:
    """One place to ask. `context`: the scene of a firmware 5 sensor, or `legacy`, or `document`."""

    base_url: str
    context: str

    @property
    def is_v5(self) -> bool:
        """Tell whether `/api/v5` is spoken there."""
        return self.context not in (LEGACY, DOCUMENT)


@dataclass(frozen=True, slots=True)
class Target:
    """A device to ask once, however many of its lines are placed. `written`: its address as counters.csv has it."""

    device_id: str
    address: Address
    timezone: str
    written: str

    @property
    def serial(self) -> str:
        """The serial number that `device_id` begins with, comparable; empty where it is a name of our own."""
        return serial_in(self.device_id)


def serial_in(text: str) -> str:
    """Return the MAC at the start of a text as twelve upper-case digits; empty where there is none."""
    match = _MAC.match(text)
    return re.sub(r"[:_-]", "", match.group()).upper() if match else ""


def read_address(written: str) -> Address:
    """Read an address. Raises Refused for a context that does not exist."""
    base, _, context = written.strip().partition("#")
    context = context.strip("/") or SINGLE
    if not _CONTEXT.fullmatch(context):
        raise Refused(
            f"#{context[:40]} is no interface of a sensor: "
            "write singlesensor, multisensor, multisensors/ID, legacy or document"
        )
    if "://" not in base:
        base = f"https://{base}"
    return Address(base.rstrip("/"), context)


def target_of(device: Device, zone: str) -> Target | None:
    """Return where a device is asked; None where counters.csv gives no address. Raises Refused; see `read_address`."""
    if not device.address.strip():
        return None
    return Target(device.device_id, read_address(device.address), device.timezone or zone, device.address.strip())
