"""Dagster's settings are written beside its history, and never hold a secret."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestration.defs.instance import OURS, prepare
from orchestration.settings import Settings

URL = "postgresql+psycopg2://dagster:very-secret@127.0.3.1:5432/dagster"


def test_history_is_kept_in_sqlite_under_the_home(tmp_path: Path):
    file = prepare(Settings(home=tmp_path)) / "dagster.yaml"
    assert file == tmp_path / "dagster" / "dagster.yaml"
    assert "postgres" not in file.read_text()
    assert "default_limit: 1" in file.read_text()


def test_postgresql_is_named_by_its_variable_and_goes_when_the_variable_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FOOTFALL_DAGSTER_POSTGRES_URL", URL)
    file = prepare(Settings(home=tmp_path)) / "dagster.yaml"
    assert "env: FOOTFALL_DAGSTER_POSTGRES_URL" in file.read_text()
    assert "very-secret" not in file.read_text()
    monkeypatch.delenv("FOOTFALL_DAGSTER_POSTGRES_URL")
    assert "postgres" not in (prepare(Settings(home=tmp_path)) / "dagster.yaml").read_text()


def test_a_url_of_another_driver_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTFALL_DAGSTER_POSTGRES_URL", URL.replace("+psycopg2", ""))
    with pytest.raises(ValidationError, match=r"postgresql\+psycopg2") as refusal:
        Settings()
    assert "very-secret" not in str(refusal.value)


def test_settings_of_ones_own_stay(tmp_path: Path):
    file = prepare(Settings(home=tmp_path)) / "dagster.yaml"
    own = file.read_text().replace(OURS + "\n", "").replace("max_concurrent_runs: 4", "max_concurrent_runs: 1")
    file.write_text(own)
    prepare(Settings(home=tmp_path))
    assert file.read_text() == own
