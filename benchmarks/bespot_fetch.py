"""Fetch a chain's visits from an emulated Bespot with a given round trip, beside a plain loop over httpx.

    python benchmarks/bespot_fetch.py --stores 100 --days 30 --rtt 0.05

The server runs in a process of its own. The loop asks for a part of the store-days only (`--part`) and its time is
scaled up. The bound to keep: pages x round trip / concurrency x 1.3.
"""

import argparse
import multiprocessing
import multiprocessing.connection
import random
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from emulators.bespot import VISITS, BespotApi
from emulators.http_server import Authority, serve_http
from orchestration.sources.bespot import BespotConnector, open_feed
from orchestration.sources.contract import Asked, Device, Landed, Payload, Window

FIRST = date(2026, 3, 2)
USER, PASSWORD = "footfall", "emulated"


def store_codes(count: int) -> list[str]:
    """Name the stores."""
    return [str(116_500 + number) for number in range(count)]


def serve(pipe: multiprocessing.connection.Connection, folder: str, options: argparse.Namespace) -> None:
    """Serve random visits until told to stop."""
    rng = random.Random(7)
    opens = datetime(FIRST.year, FIRST.month, FIRST.day, 8, tzinfo=UTC)
    api = BespotApi(
        {
            store: {
                opens + timedelta(days=day, minutes=minute): (rng.randint(0, 9), rng.randint(0, 9))
                for day in range(options.days)
                for minute in sorted(rng.sample(range(720), options.rows))
            }
            for store in store_codes(options.stores)
        },
        user=USER,
        password=PASSWORD,
    )
    with serve_http(api.application(), Authority(Path(folder))) as server:
        server.latency_seconds = options.rtt
        pipe.send(server.url)
        pipe.recv()
        pipe.send(len(server.requests))


def ours(connector: BespotConnector, options: argparse.Namespace) -> tuple[float, float, float, int]:
    """Fetch everything through the source; return seconds and processor seconds to fetch, seconds to parse, rows."""
    window = Window(FIRST, FIRST + timedelta(days=options.days - 1))
    devices = [Device("bespot", store, timezone="UTC") for store in store_codes(options.stores)]
    secret = SecretStr(PASSWORD)
    asked = Asked(Path(), window, devices, lambda _, __: secret, lambda *_: False, lambda: datetime.now(UTC))
    begun, worked = time.perf_counter(), time.process_time()
    payloads = [found for found in connector.fetch(asked) if isinstance(found, Payload)]
    fetched, worked = time.perf_counter(), time.process_time() - worked
    rows = connector.parse([Landed(str(n), item, item.delivered_at) for n, item in enumerate(payloads)]).rows.num_rows
    return fetched - begun, worked, time.perf_counter() - fetched, rows


def plain_loop(url: str, ca_file: Path, options: argparse.Namespace) -> tuple[float, int]:
    """Ask one page after the other with one kept connection, following `next`; return seconds and pages."""
    wanted = [(store, day) for day in range(options.days) for store in store_codes(options.stores)]
    wanted = wanted[: max(1, round(len(wanted) * options.part))]
    pages = 0
    begun = time.perf_counter()
    with httpx.Client(verify=str(ca_file), auth=(USER, PASSWORD), trust_env=False) as client:
        for store, day in wanted:
            at = FIRST + timedelta(days=day)
            params = {"datetime_gte": f"{at}T00:00:00Z", "datetime_lte": f"{at}T23:59:00Z", "store_code": store}
            page = 1
            while page:
                answer = client.get(url + VISITS, params=params | {"page_size": options.page_size, "page": page}).json()
                page = page + 1 if answer["next"] else 0
                pages += 1
    return time.perf_counter() - begun, pages


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rows", type=int, default=300, help="rows a store and day")
    parser.add_argument("--page-size", type=int, default=10_000)
    parser.add_argument("--rtt", type=float, default=0.05, help="seconds")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--part", type=float, default=0.1, help="share of the store-days that the loop asks for")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    table = Table("way", "at once", "pages", "seconds", "bound", "kept", "cpu s", "rows", "parse s")
    with tempfile.TemporaryDirectory() as folder:
        server = context.Process(target=serve, args=(there, folder, options))
        server.start()
        url, ca_file = here.recv(), Path(folder) / "emulated-ca.pem"
        seconds, asked = plain_loop(url, ca_file, options)
        pages = options.stores * options.days * max(1, -(-options.rows // options.page_size))
        scaled = seconds * pages / asked
        table.add_row("httpx loop, scaled", "1", str(pages), f"{scaled:.1f}", "", "", "", "", "")
        for concurrency in options.concurrency:
            settings = {"base_url": f"{url}/api", "user": USER, "password_env": "P", "ca_file": str(ca_file)}
            settings |= {"concurrency": concurrency, "page_size": options.page_size}
            connector = open_feed("bespot_visits", settings)
            assert connector is not None
            fetch, worked, parse, rows = ours(connector, options)
            assert rows == options.stores * options.days * options.rows, rows
            bound = pages * options.rtt / concurrency * 1.3
            told = "yes" if fetch <= bound else "no"
            figures = (f"{fetch:.1f}", f"{bound:.1f}", told, f"{worked:.1f}", f"{rows:,}", f"{parse:.1f}")
            table.add_row("footfall", str(concurrency), str(pages), *figures)
        here.send("stop")
        table.caption = f"round trip {options.rtt * 1000:.0f} ms; {here.recv():,} requests in all"
        server.join(10)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
