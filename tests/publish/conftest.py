"""A home whose warehouse holds edition 1 of a small chain's marts."""

import shutil
from pathlib import Path

import pytest

from tests.publish import chain


@pytest.fixture(scope="session")
def edition_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = tmp_path_factory.mktemp("edition_one") / "warehouse.duckdb"
    chain.build(warehouse)
    return warehouse


@pytest.fixture
def home(tmp_path: Path, edition_one: Path) -> Path:
    """A fresh home; its path holds a quote, which paths may."""
    home = tmp_path / "the shop's home"
    home.mkdir()
    shutil.copy(edition_one, home / "warehouse.duckdb")
    return home


@pytest.fixture
def warehouse(home: Path) -> Path:
    return home / "warehouse.duckdb"
