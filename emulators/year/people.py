"""What people do in the year: per counter and slot, how many came in and went out, and what the tills rang up.

Rate of a branch = level, season, weekday, time of day, the region's weather of the day, the branch's own day, the
hour's mood, holidays, lockdown, quiet streets. Doors share it, each with a day of its own. Counts are overdispersed: a
gamma mixed Poisson. Never a file, never a fault.
"""

from dataclasses import dataclass

import numpy as np

from emulators.year.design import LOCKDOWN_COUNTRY, Branch, Chain, Counter
from emulators.year.grid import SLOTS_PER_HOUR

WEEKDAYS = (0.88, 0.86, 0.9, 0.98, 1.12, 1.4, 0.95)
WEATHER, BRANCH_DAY, DOOR_DAY, HOUR_MOOD = 0.14, 0.10, 0.07, 0.12  # standard deviations of logarithms
DISPERSION = 40.0  # of a slot's gamma: variance = mean + mean² / 40
NIGHT_PER_SLOT = 0.004  # cleaners, couriers, spiders


@dataclass(frozen=True)
class People:
    """Per counter (by number) entries and exits of every slot; per branch transactions and cents of every hour."""

    entry: list[np.ndarray]
    exit: list[np.ndarray]
    transactions: list[np.ndarray]
    cents: list[np.ndarray]


def let_people_come(chain: Chain, seed: int) -> People:
    """Generate the whole window."""
    weather = _weather(chain, np.random.default_rng([seed, 2]))
    size = len(chain.counters)
    people = People([np.empty(0)] * size, [np.empty(0)] * size, [], [])
    for branch in chain.branches:
        rng = np.random.default_rng([seed, 3, branch.number])
        rate = _rate(chain, branch, weather[branch.country.code, branch.region], rng)
        is_open = chain.open_slots(branch)
        doors = chain.doors(branch.number)
        came = [_count(rate * is_open * _door_days(chain, door, rng), rng) for door in doors]
        went = _leave(np.sum(came, axis=0), [door.share for door in doors], rng)
        for door, entry, exit_ in zip(doors, came, went, strict=True):
            people.entry[door.number] = _at_night(entry, rng)
            people.exit[door.number] = _at_night(exit_, rng)
        for counter in chain.counters:
            if counter.branch == branch.number and counter.placement != "entrance":
                passing = rate * counter.share * (1.0 if counter.placement == "outside" else is_open)
                people.entry[counter.number], people.exit[counter.number] = _count(passing, rng), _count(passing, rng)
        _ring_up(branch, np.sum(came, axis=0), people, rng)
    return people


def _weather(chain: Chain, rng: np.random.Generator) -> dict[tuple[str, str], np.ndarray]:
    """Return each region's day effects: half the country's weather of that day, half its own."""
    found = {}
    for country in dict.fromkeys(branch.country for branch in chain.branches):
        of_country = rng.normal(0, WEATHER * 0.7, chain.days)
        for region in country.regions:
            found[country.code, region] = np.exp(of_country + rng.normal(0, WEATHER * 0.7, chain.days))
    return found


def _rate(chain: Chain, branch: Branch, weather: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the people expected per slot if the branch were open all the time."""
    grid = chain.grid(branch.number)
    days = [chain.day(index) for index in range(chain.days)]
    of_year = np.array([day.timetuple().tm_yday for day in days])
    season = 1 + 0.08 * np.cos(2 * np.pi * (of_year - 350) / 365) + 0.35 * np.exp(-(((of_year - 352) / 12) ** 2))
    of_day = season * np.array([WEEKDAYS[day.weekday()] for day in days]) * weather
    of_day *= np.exp(rng.normal(0, BRANCH_DAY, chain.days))
    for index in rng.integers(0, chain.days, max(1, chain.days // 180)):
        of_day[index] *= 0.25  # the street is dug up: nobody comes, whatever the counters think
    if branch.country.code == LOCKDOWN_COUNTRY:
        of_day[list(chain.lockdown())] *= 0.12
    of_day[_bridge_day(chain, branch)] *= 0.3  # a local holiday that nobody entered into special_days
    hours = grid.size // SLOTS_PER_HOUR
    mood = np.repeat(np.exp(rng.normal(0, HOUR_MOOD, hours)), SLOTS_PER_HOUR)
    curve = 0.45 + 0.9 * np.exp(-(((grid.wall - branch.peak) / 150) ** 2) / 2)
    curve = curve * np.where((grid.wall < 420) | (grid.wall >= 1350), 0.05, 1)
    return branch.level / SLOTS_PER_HOUR * curve * of_day[grid.day_of] * mood


def _bridge_day(chain: Chain, branch: Branch) -> int:
    return (sum(branch.region.encode()) * 37) % chain.days


def _door_days(chain: Chain, door: Counter, rng: np.random.Generator) -> np.ndarray:
    """Return a door's share per slot: its usual one, with days of its own."""
    own = door.share * np.exp(rng.normal(0, DOOR_DAY, chain.days))
    return own[chain.grid(door.branch).day_of]


def _count(mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(mean * rng.gamma(DISPERSION, 1 / DISPERSION, len(mean))).astype(np.int32)


def _leave(came: np.ndarray, shares: list[float], rng: np.random.Generator) -> list[np.ndarray]:
    """Let everybody out again within three slots, by any door."""
    at_once = rng.binomial(came, 0.35)
    soon = rng.binomial(came - at_once, 0.7)
    later = came - at_once - soon
    left = at_once + np.concatenate([[0], soon[:-1]]) + np.concatenate([[0, 0], later[:-2]])
    parts, rest = [], float(sum(shares))
    for share in shares:
        part = rng.binomial(left, min(1.0, share / rest)) if rest > 1e-9 else np.zeros_like(left)
        parts.append(part.astype(np.int32))
        left, rest = left - part, rest - share
    return parts


def _at_night(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return counts + rng.poisson(NIGHT_PER_SLOT, len(counts)).astype(np.int32)


def _ring_up(branch: Branch, came: np.ndarray, people: People, rng: np.random.Generator) -> None:
    """Let some of those who came buy within the hour."""
    per_hour = came.reshape(-1, SLOTS_PER_HOUR).sum(axis=1)
    bought = rng.binomial(per_hour, branch.buys)
    amount = rng.gamma(np.maximum(bought, 1) * 1.5, branch.average_cents / 1.5) * (bought > 0)
    people.transactions.append(bought.astype(np.int32))
    people.cents.append(np.maximum(amount.astype(np.int64), bought * 5))
