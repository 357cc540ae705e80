"""Shops whose counters are asked over vendors' interfaces: one of Xovis, one of Bespot, one of FootfallCam.

They open in the last days of the window, so that a long history of files stays what it is without them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np

from emulators.chain import BESPOT, FOOTFALLCAM, XOVIS, Branch, Chain, Hours, Placement
from emulators.clock import Clock
from emulators.templates import BESPOT_SHOP, FOOTFALLCAM_SHOP, INTERFACE_TEMPLATES, XOVIS_SHOP

HISTORY, LEGACY, DOCUMENT, STORE, DEVICE = "history", "legacy", "document", "store", "device"
MULTISENSOR = "multisensors/1"
ASKED_DAYS = 2
SITE_ID = "26509"  # the FootfallCam shop as the vendor's own reports name it


def with_interfaces(chain: Chain, seed: int, first: date, days: int) -> Chain:
    """Add the shops that are asked; what the chain has already stays as it is."""
    clocks = {branch.zone: branch.clock for branch in chain.branches}
    since = datetime.combine(first + timedelta(days=max(0, days - ASKED_DAYS)), time())
    shops = [
        Branch(
            template.code,
            template,
            clocks.setdefault(template.zone, Clock(template.zone, first, days)),
            tuple(Hours(weekday, *span) for weekday, spans in template.week.items() for span in spans),
        )
        for template in INTERFACE_TEMPLATES
    ]
    placements = [replace(placement, valid_from=since) for placement in _hang(np.random.default_rng([seed, 6]))]
    return replace(chain, branches=(*chain.branches, *shops), placements=(*chain.placements, *placements))


def _hang(rng: np.random.Generator) -> Iterator[Placement]:
    def mac() -> str:
        return "02:00:5E:" + ":".join(f"{part:02X}" for part in rng.integers(0, 256, 3))

    def serial() -> str:
        return f"20000000{int(rng.integers(0, 2**32)):08x}"

    shop = XOVIS_SHOP.code
    yield Placement(XOVIS, mac(), "1000", shop, "entrance", label="single sensor", interface=HISTORY)
    stitched = f"{mac()}/{MULTISENSOR}"
    yield Placement(XOVIS, stitched, "2000", shop, "entrance", "reverse", "multisensor", share=0.6, interface=HISTORY)
    yield Placement(XOVIS, mac(), "1", shop, "inner", label="firmware 4", share=0.4, interface=LEGACY)
    yield Placement(XOVIS, "street-0401", "", shop, "outside", label="unverified", share=3.0, interface=DOCUMENT)
    shop = BESPOT_SHOP.code
    yield Placement(BESPOT, "0501", "", shop, "entrance", label="store", interface=STORE)
    yield Placement(BESPOT, "0509", "", shop, "inner", label="mistyped", share=0.3, interface=STORE)
    shop = FOOTFALLCAM_SHOP.code
    yield Placement(FOOTFALLCAM, serial(), "", shop, "entrance", label="front door", interface=DEVICE)
    yield Placement(FOOTFALLCAM, serial(), "", shop, "entrance", "reverse", "back door", share=0.5, interface=DEVICE)
    yield Placement(FOOTFALLCAM, serial(), "", shop, "outside", label="street", share=3.0, interface=DEVICE)
