"""What the tills rang up: one invoice per purchase, a while after the customer came in.

Invoices per branch as positions on the branch's clock and amounts in cents. How a shop reports them (every invoice,
or half-hour sums) is decided in files.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emulators.chain import Branch, Chain
from emulators.traffic import Key, Series

MINUTES_TO_TILL = 11


@dataclass(frozen=True)
class Invoices:
    """The invoices of one branch: `minute` is a position on its clock, in order; `cents` the amount."""

    minute: np.ndarray
    cents: np.ndarray

    def on(self, span: slice) -> "Invoices":
        """Return the invoices of one stretch of time."""
        first, last = np.searchsorted(self.minute, [span.start, span.stop])
        return Invoices(self.minute[first:last], self.cents[first:last])


def ring_up(chain: Chain, traffic: Mapping[Key, Series], seed: int) -> Mapping[str, Invoices]:
    """Ring up the purchases of every branch; a few happen minutes after closing time."""
    invoices = {}
    for number, branch in enumerate(chain.branches):
        rng = np.random.default_rng([seed, 4, number])
        doors = chain.at(branch.code, "entrance")
        came = np.sum([traffic[door.key].entry * chain.installed(door) for door in doors], axis=0)
        came = came * (_manned(branch) & chain.open_minutes(branch))
        bought = rng.binomial(came, branch.template.buys)
        minute = np.repeat(np.arange(len(bought)), bought) + rng.poisson(MINUTES_TO_TILL, int(bought.sum()))
        minute = np.sort(minute[minute < branch.clock.size])
        amounts = rng.lognormal(np.log(branch.template.average_cents) - 0.32, 0.8, len(minute))
        cents = np.maximum(5, amounts).astype(np.int64)
        invoices[branch.code] = Invoices(minute, cents)
    return invoices


def _manned(branch: Branch) -> np.ndarray:
    """Tills rest from 00:20 to 05:00 even where the doors never close: no sale falls into a clock change."""
    return (branch.clock.wall < 20) | (branch.clock.wall >= 300)
