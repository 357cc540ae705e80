"""The only module that reads the environment. Everything else is handed what it needs.

FOOTFALL_HOME is the one directory of state. Secrets are named in reference/feeds.toml (an environment variable or a
file) and resolved here, as SecretStr, at the moment they are used.
"""

import os
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.sources.contract import Refused


class Settings(BaseSettings):
    """Configuration from the environment (prefix FOOTFALL_)."""

    model_config = SettingsConfigDict(env_prefix="FOOTFALL_", extra="ignore", hide_input_in_errors=True)

    home: Path = Field(default=Path("data"), description="the one directory of state")
    ledger_url: SecretStr | None = Field(default=None, description="SQLAlchemy URL; default: SQLite under the home")
    dagster_postgres_url: SecretStr | None = Field(
        default=None, description="postgresql+psycopg2:// URL of Dagster's history; default: SQLite under the home"
    )
    memory_limit: str = Field(default="2GB", description="DuckDB's memory limit in the transform")

    @field_validator("dagster_postgres_url")
    @classmethod
    def _names_psycopg2(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith("postgresql+psycopg2://"):
            msg = "write postgresql+psycopg2://…: that is the driver that Dagster's storage speaks"
            raise ValueError(msg)
        return value

    def model_post_init(self, _context: object, /) -> None:
        """Make the home absolute once, so that no later step depends on the working directory."""
        self.home = self.home.expanduser().absolute()

    @property
    def reference(self) -> Path:
        """Where the reference files stand."""
        return self.home / "reference"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that only dbt writes."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The stable name that BI opens."""
        return self.home / "published" / "footfall.duckdb"

    def secret(self, env: str = "", file: str = "") -> SecretStr | None:
        """Resolve a secret by the name of its environment variable or file; None where neither is named.

        Raises Refused (never holding the value) when the named place has nothing in it.
        """
        if env:
            value = os.environ.get(env)
            if not value:
                msg = f"the environment variable {env}, named in feeds.toml, is not set"
                raise Refused(msg)
            return SecretStr(value)
        if file:
            path = self.home / Path(file).expanduser()
            try:
                return SecretStr(path.read_text(encoding="utf-8").strip())
            except OSError as error:
                msg = f"the secret file {path}, named in feeds.toml, cannot be read: {error.strerror}"
                raise Refused(msg) from error
        return None
