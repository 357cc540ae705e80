"""dbt's project as values: its models, what each is made from, and its data tests. Does not import Dagster.

Read from the manifest that every dbt invocation leaves under FOOTFALL_HOME/dbt/target; made first where there is none
or the project is newer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.dbt_runner import PROJECT, build
from orchestration.locks import locked
from orchestration.settings import Settings


@dataclass(frozen=True, slots=True)
class Model:
    """A model. `layer` is staging, intermediate or marts; `parents` are unique ids of models and sources."""

    unique_id: str
    name: str
    layer: str
    description: str
    columns: tuple[tuple[str, str, str], ...]  # name, type, description
    parents: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """All models by unique id, and the sources (`(source, table)`) by theirs."""

    models: Mapping[str, Model]
    sources: Mapping[str, tuple[str, str]]


def load_project(settings: Settings) -> Project:
    """Read the manifest, making it first where needed (seconds, once per home and project version)."""
    manifest = settings.home / "dbt" / "target" / "manifest.json"
    if not _is_current(manifest):
        with locked(settings.home, "manifest"):
            if not _is_current(manifest):
                build(settings.home, settings.memory_limit, command="parse")
    return _read(json.loads(manifest.read_text(encoding="utf-8")))


def _is_current(manifest: Path) -> bool:
    if not manifest.exists():
        return False
    made = manifest.stat().st_mtime
    folders = [path for path in PROJECT.iterdir() if path.name not in ("target", "logs")]
    files = (file for path in folders for file in ([path] if path.is_file() else path.rglob("*")))
    return all(file.stat().st_mtime <= made for file in files)


def _read(manifest: dict[str, Any]) -> Project:
    nodes = manifest["nodes"]
    tests: dict[str, list[str]] = {}
    for unique_id, node in nodes.items():
        if node["resource_type"] == "test":
            about = node.get("attached_node") or next(iter(reversed(node["depends_on"]["nodes"])), "")
            tests.setdefault(about, []).append(unique_id)
    models = {
        unique_id: Model(
            unique_id=unique_id,
            name=node["name"],
            layer=node["fqn"][1],
            description=node["description"].strip(),
            columns=tuple(
                (column["name"], column.get("data_type") or "", column.get("description") or "")
                for column in node["columns"].values()
            ),
            parents=tuple(node["depends_on"]["nodes"]),
            tests=tuple(tests.get(unique_id, ())),
        )
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model"
    }
    sources = {unique_id: (node["source_name"], node["name"]) for unique_id, node in manifest["sources"].items()}
    return Project(models, sources)
