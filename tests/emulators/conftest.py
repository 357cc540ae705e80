"""Worlds that the emulators' tests share: built once, never changed."""

from datetime import date

import pytest

from emulators.world import World, build_world


@pytest.fixture(scope="session")
def world() -> World:
    return build_world()


@pytest.fixture(scope="session")
def flawless() -> World:
    """Nine days without faults that hold both the European and the American end of summer time."""
    return build_world(seed=11, days=9, last_day=date(2025, 11, 2), with_faults=False)
