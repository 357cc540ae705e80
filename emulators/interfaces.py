"""The vendors' interfaces of a world on loopback: sensors, stores, counters, the portal and the account.

TLS wherever the vendor has it, fresh secrets for every run, faults as planned (pulls.py) at the moment they are due.
The protocols are the vendors' emulators; this gives them the world's minutes, the world's time and feeds.toml tables.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from emulators.bespot import BespotApi
from emulators.chain import Placement
from emulators.footfallcam.account import AccountApi
from emulators.footfallcam.counters import CounterApi
from emulators.footfallcam.portal import ExportApi
from emulators.footfallcam.traffic import Counted
from emulators.http_server import Authority, Fault, HttpServer, serve_http
from emulators.interface_chain import DEVICE, DOCUMENT, HISTORY, LEGACY, MULTISENSOR, SITE_ID, STORE
from emulators.pulls import BESPOT_OCCUPANCY, BESPOT_VISITS, Moment
from emulators.world import World
from emulators.xovis import EmulatedLogic, EmulatedSensor, Fleet

Minutes = dict[datetime, tuple[int, int]]
_PLACES = {HISTORY: "", LEGACY: "#legacy", DOCUMENT: "#document"}  # of an address, which interface speaks there


@dataclass
class WorldClock:
    """The time that the emulated devices, and whoever asks them, live in."""

    now: datetime

    def __call__(self) -> datetime:
        """Tell it."""
        return self.now


@dataclass
class Interfaces:
    """Running interfaces. `addresses` by device id, `tables` for feeds.toml, `secrets` as they must never be seen.

    `servers` log what they were asked; `elsewhere` is a plain one that Bespot's `next` links name.
    """

    world: World
    clock: WorldClock
    addresses: Mapping[str, str]
    tables: str
    secrets: tuple[str, ...] = field(repr=False)
    fleet: Fleet = field(repr=False)
    bespot: BespotApi = field(repr=False)
    counters: CounterApi = field(repr=False)
    account: AccountApi = field(repr=False)
    servers: Mapping[str, HttpServer] = field(repr=False)
    street: ExitStack = field(repr=False)  # the counter that dies stands behind a server of its own

    def advance(self, moment: Moment) -> None:
        """Let it be this moment, with what goes wrong in it."""
        self.clock.now = moment.at
        pulls = self.world.pulls
        is_worst = moment is pulls.worst_night
        single, stitched = (self.fleet.sensors[str(number)] for number in (1, 2))
        stitched.fault, stitched.fault_where = ("html", "data/history") if is_worst else ("", "")
        single.token_uses = 1 if is_worst else 1_000_000
        readings = [item for item in pulls.moments if not item.indexes]
        stitched.frames_stand_still = pulls.has_faults and moment is readings[-1]
        if is_worst:
            self.bespot.drifts, self.account.waits = 1, 3
            self.street.close()
            front, back, _ = self.counters.counters
            page = HTMLResponse("<!DOCTYPE html><html><body>Counter Setup Wizard</body></html>")
            self.servers["counters"].faults += [
                Fault(_revoking(self.counters), where=f"/{front}/cgi-bin/apiCount"),
                Fault(page, where=f"/{back}/cgi-bin/apiCount"),
            ]


def _revoking(counters: CounterApi) -> ASGIApp:
    """Forget every token in the middle of a run, and refuse the one that is shown."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        counters.revoke()
        await PlainTextResponse("Unauthorized", 401)(scope, receive, send)

    return answer


@contextmanager
def serve_interfaces(world: World, root: Path) -> Iterator[Interfaces]:
    """Serve every interface of a world until the block ends; secrets are files below `root`, for their reader alone."""
    keys = root / "secrets"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    made: dict[str, str] = {}

    def secret(name: str, around: str = "%s") -> str:
        made[name] = secrets.token_urlsafe(18)
        (keys / name).touch(mode=0o600)
        (keys / name).write_text(around % made[name] + "\n", encoding="utf-8")
        return made[name]

    clock = WorldClock(world.pulls.moments[0].at)
    authority = Authority(root)
    asked = {kind: [p for p in world.chain.placements if p.interface == kind] for kind in (*_PLACES, STORE, DEVICE)}
    sensors = [_sensor(world, placement, clock) for kind in _PLACES for placement in asked[kind]]
    fleet = Fleet({str(number): sensor for number, sensor in enumerate(sensors, 1)}, "viewer", secret("xovis"))
    bespot = _bespot(world, secret("bespot"))
    devices = [placement.device_id for placement in asked[DEVICE]]
    counters = CounterApi(
        {p.device_id: Counted(world.chain.clock_of(p.key).zone, _minutes(world, p)) for p in asked[DEVICE]},
        {device: secret(f"{device}.footfallcam") for device in devices},
        now=clock,
    )
    doors = [placement.device_id for placement in asked[DEVICE] if placement.placement == "entrance"]
    site = {SITE_ID: _together([counters.counters[door] for door in doors])}
    account = AccountApi(site, password=secret("account"))
    export = ExportApi(site, token=secrets.token_hex(12))
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(serve_http(app, authority if has_tls else None))
            for name, app, has_tls in (
                ("fleet", fleet, True),
                ("bespot", bespot.application(), True),
                ("counters", counters.application(), False),  # as the vendor's devices speak
                ("account", account.application(), True),
                ("export", export.application(), True),
                ("elsewhere", PlainTextResponse("nobody should ask here"), False),
            )
        }
        bespot.next_host = servers["elsewhere"].url.removeprefix("http://")  # links that must never be followed
        street = stack.enter_context(ExitStack())
        servers["street"] = street.enter_context(serve_http(counters.application()))
        url = export.copied_url(servers["export"].url)
        made["export"] = export.token
        (keys / "export").touch(mode=0o600)
        (keys / "export").write_text(url + "\n", encoding="utf-8")
        addresses = {
            placement.device_id: f"{servers['fleet'].url}/sensors/{number}{_context(placement)}"
            for number, placement in enumerate((p for kind in _PLACES for p in asked[kind]), 1)
        } | {
            device: counters.address(servers["counters" if device in doors else "street"].url, device)
            for device in devices
        }
        zone = world.chain.clock_of(asked[DEVICE][0].key).zone
        tables = _tables(keys, authority.ca_file, {name: server.url for name, server in servers.items()}, zone)
        yield Interfaces(
            world, clock, addresses, tables, tuple(made.values()), fleet, bespot, counters, account, servers, street
        )


def _context(placement: Placement) -> str:
    is_stitched = placement.device_id.endswith(MULTISENSOR)
    return f"#{MULTISENSOR}" if is_stitched else _PLACES[placement.interface]


def _minutes(world: World, placement: Placement) -> Minutes:
    """List what a device counts in its own orientation, from the day on that it hangs."""
    clock, series = world.chain.clock_of(placement.key), world.traffic[placement.key]
    first = clock.position(placement.valid_from) if placement.valid_from else 0
    pair = (series.exit, series.entry) if placement.direction == "reverse" else (series.entry, series.exit)
    one, other = (values[first:].tolist() for values in pair)
    return {clock.utc(first + at): counts for at, counts in enumerate(zip(one, other, strict=True))}


def _together(counted: list[Counted]) -> Counted:
    """Add counters up to their site, as the vendor's portal does."""
    sums: Minutes = {}
    for counter in counted:
        for at, (came, went) in counter.minutes.items():
            before = sums.get(at, (0, 0))
            sums[at] = before[0] + came, before[1] + went
    return Counted(counted[0].zone, sums)


def _sensor(world: World, placement: Placement, clock: WorldClock) -> EmulatedSensor:
    is_old = placement.interface == LEGACY
    minutes = _minutes(world, placement)
    sensor = EmulatedSensor(
        serial=placement.device_id.split("/")[0],
        logics=[EmulatedLogic(int(placement.line_id or 1), minutes)],
        generation=4 if is_old else 5,
        scene=MULTISENSOR if placement.device_id.endswith(MULTISENSOR) else "singlesensor",
        now=clock,
        lost=world.pulls.lost.get(placement.device_id, set()),
    )
    if is_old:
        sensor.firmwares = [(sensor.booted_at, "4.3.1")]
    return sensor


def _bespot(world: World, password: str) -> BespotApi:
    visits: dict[str, Minutes] = {}
    for store, passing in world.pulls.passing.items():
        placement = next(p for p in world.chain.placements if p.device_id == store and p.interface == STORE)
        visits[store] = {at: counts for at, counts in _minutes(world, placement).items() if at in passing}
    occupancy: dict[str, dict[datetime, int]] = {store: {} for store in visits}
    for store, at, people in world.pulls.rows.get(BESPOT_OCCUPANCY, []):
        occupancy[str(store)][at] = people  # type: ignore[index,assignment]
    return BespotApi(visits, occupancy, user="retailer", password=password)


def _tables(keys: Path, ca_file: Path, urls: Mapping[str, str], zone: str) -> str:
    """Write the feeds' tables: who is asked, with which secret's file; what is never due would be late by years."""
    trust = f'ca_file = "{ca_file}"\n'
    sensor = f'user = "viewer"\npassword_file = "{keys / "xovis"}"\n{trust}'
    store = f'base_url = "{urls["bespot"]}/api"\nuser = "retailer"\npassword_file = "{keys / "bespot"}"\n{trust}'
    account = "".join(f'{name}_url = "{urls["account"]}"\n' for name in ("account", "data", "cube"))
    tables = {
        "xovis_history": f"{sensor}per_device_day = false\n",  # the other shops' sensors only give exports
        "xovis_live": sensor,
        "xovis_status": sensor,
        "xovis_legacy": f'{sensor}legacy_documents = ["count-data", "alive"]\n',
        "xovis_document": sensor,
        BESPOT_VISITS: f'{store}page_size = 200\ndue = ""\n',
        BESPOT_OCCUPANCY: f'{store}page_size = 200\ndue = ""\n',
        "footfallcam_device": f'password_file = "{keys}/{{device_id}}.footfallcam"\n'
        'allow_plain_http = ["127.0.0.1/32"]\ndue = ""\n',  # the other shops' counters only send files
        "footfallcam_export_api": f'url_file = "{keys / "export"}"\n{trust}timezone = "{zone}"\n'
        'data_aggregation = "site"\ntime_aggregation = "hourly"\n',
        "footfallcam_cube": f'user = "shop@example.com"\npassword_file = "{keys / "account"}"\n{account}{trust}'
        f'timezone = "{zone}"\nwait_seconds = 0.05\n',
    }
    return "\n".join(f"[feeds.{name}]\n{table}" for name, table in tables.items())
