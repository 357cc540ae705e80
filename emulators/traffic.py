"""What people do: per counter and minute, how many came in and went out.

An inhomogeneous Poisson process by weekday and wall-clock time; people who came in go out again after a while, by any
door. These arrays are the physical truth; files and faults are made from them, never the other way round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emulators.chain import Branch, Chain, Placement

WEEKDAYS = (0.85, 0.8, 0.85, 0.95, 1.15, 1.45, 0.9)
GHOSTS_PER_MINUTE = 0.0008
MEAN_STAY_MINUTES = 17.0
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Series:
    """Entries and exits of one counter, one value per minute of its clock."""

    entry: np.ndarray
    exit: np.ndarray


def _busyness(branch: Branch, rng: np.random.Generator) -> np.ndarray:
    """Return the visitors expected per minute if the branch were open all the time."""
    clock = branch.clock
    hour = clock.wall / 60
    curve = 0.35 + 0.9 * np.exp(-(((hour - 13) / 2.0) ** 2) / 2) + np.exp(-(((hour - 18) / 1.8) ** 2) / 2)
    curve = np.where((hour >= 2.5) & (hour < 6), 0.06, curve)
    mood = rng.lognormal(0, 0.06, clock.days)
    weekday = np.array([WEEKDAYS[clock.day(index).weekday()] for index in range(clock.days)])
    return branch.template.visitors_per_hour / 60 * curve * (weekday * mood)[clock.day_of]


def _split(total: np.ndarray, weights: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Share out people between doors at random, by the doors' weights in each minute."""
    left, parts = total.copy(), []
    rest = np.sum(weights, axis=0)
    for weight in weights:
        share = np.divide(weight, rest, out=np.zeros_like(rest), where=rest > 0)
        part = rng.binomial(left, np.clip(share, 0, 1))
        parts.append(part)
        left, rest = left - part, rest - weight
    return parts


def _leave(entry: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Let everybody who came in go out again, less the few that a counter overlooks."""
    came = np.repeat(np.arange(len(entry)), entry)
    went = came + 1 + rng.exponential(MEAN_STAY_MINUTES, len(came)).astype(np.int64)
    went = went[(went < len(entry)) & (rng.random(len(came)) < 0.97)]
    return np.bincount(went, minlength=len(entry))


def generate_traffic(chain: Chain, seed: int) -> Mapping[Key, Series]:
    """Generate what every counter of the chain measures over the whole window."""
    ghosts_rng = np.random.default_rng([seed, 2])
    series: dict[Key, Series] = {}
    for placement in chain.placements:
        if placement.key not in series:
            size = chain.clock_of(placement.key).size
            series[placement.key] = Series(*(ghosts_rng.poisson(GHOSTS_PER_MINUTE, size) for _ in range(2)))
    for number, branch in enumerate(chain.branches):
        rng = np.random.default_rng([seed, 3, number])
        busyness, is_open = _busyness(branch, rng), chain.open_minutes(branch)
        doors = chain.at(branch.code, "entrance")
        weights = [chain.installed(door) * door.share for door in doors]
        entry = rng.poisson(busyness * is_open)
        for door, came, went in zip(
            doors, _split(entry, weights, rng), _split(_leave(entry, rng), weights, rng), strict=True
        ):
            _add(series, door, came, went)
        for placement in chain.at(branch.code, "inner", "outside"):
            passing = placement.placement == "outside"
            rate = busyness * placement.share * (1.0 if passing else is_open) / 2
            _add(series, placement, rng.poisson(rate), rng.poisson(rate))
    return series


def _add(series: dict[Key, Series], placement: Placement, entry: np.ndarray, exit_: np.ndarray) -> None:
    so_far = series[placement.key]
    series[placement.key] = Series(so_far.entry + entry, so_far.exit + exit_)
