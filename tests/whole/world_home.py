"""A home whose feeds are folders that an emulated world fills: the whole way without a network."""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from emulators.world import World, build_world
from orchestration.settings import Settings

FEEDS = ("footfallcam_daily", "sales", "xovis_export")


def small_world() -> World:
    """Three branches over six days around the spring clock change, with every fault that fits."""
    return build_world(seed=11, days=6, last_day=date(2026, 4, 1), branches=3)


def make_home(root: Path, world: World, *, settle_seconds: float = 0.0) -> Settings:
    """Write reference files whose feeds read the folders under `root`/served."""
    reference = root / "reference"
    reference.mkdir(parents=True)
    world.write_reference(reference, None)
    tables = [
        f'[feeds.{feed}.remote]\nprotocol = "folder"\nfolder = "served/{feed}"\nsettle_seconds = {settle_seconds}\n'
        for feed in FEEDS
    ]
    (reference / "feeds.toml").write_text("".join(tables))
    for feed in FEEDS:
        (root / "served" / feed).mkdir(parents=True)
    return Settings(home=root)


def deliver(root: Path, uploads: Iterable) -> None:
    """Put files where the feeds look, with the vendor's own times."""
    for upload in uploads:
        if "/" in upload.name or len(upload.name.encode()) > 255:
            continue
        path = root / "served" / upload.feed / upload.name
        path.write_bytes(upload.content)
        os.utime(path, (upload.modified_at.timestamp(), upload.modified_at.timestamp()))
