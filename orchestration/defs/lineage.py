"""Which of dbt's models are assets, and what stands above each: raw feeds, reference files, other models.

Shown are the staging views of the feeds in use, and the marts. What lies between is drawn as a direct line, because
every asset and every check costs a run three events of 10 ms; dbt's own documentation shows all of it.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import dagster as dg

from orchestration.defs.feeds import raw_key
from orchestration.defs.manifest import Model, Project
from orchestration.sources.contract import Feed

MARTS = "marts"
_BOOKKEEPING = frozenset({"ledger", "reference"})
_None = frozenset[dg.AssetKey]()


def marts(project: Project) -> list[dg.AssetKey]:
    """Name the assets that are published."""
    return [_key(model) for model in project.models.values() if model.layer == MARTS]


class Lineage:
    """The lines between assets, for the feeds in use."""

    def __init__(self, project: Project, feeds: Sequence[Feed]) -> None:
        self._project = project
        self._feeds = feeds
        self._above: dict[str, frozenset[dg.AssetKey]] = {}

    @cached_property
    def shown(self) -> dict[str, Model]:
        """The models that are assets, by unique id."""
        return {unique_id: model for unique_id, model in self._project.models.items() if self._is_shown(model)}

    @cached_property
    def keys(self) -> dict[str, dg.AssetKey]:
        """The shown models' asset keys, by unique id."""
        return {unique_id: _key(model) for unique_id, model in self.shown.items()}

    def parents(self, unique_id: str) -> frozenset[dg.AssetKey]:
        """Return the assets right above a model; one that stands above another of them is already connected."""
        found = self._all_above(unique_id)
        ids = {key: parent for parent, key in self.keys.items()}
        further = {key for parent in found if parent in ids for key in self._ancestors(ids[parent])}
        return found - further

    def tests(self, unique_id: str) -> list[str]:
        """Return the data tests of a model and of all that stands between it and the marts above it."""
        model, models = self._project.models[unique_id], self._project.models
        between = [parent for parent in model.parents if parent in models and models[parent].layer != MARTS]
        return sorted({*model.tests, *(test for parent in between for test in self.tests(parent))})

    def reference(self) -> Iterator[dg.AssetSpec]:
        """Describe the reference files that shown models are made from."""
        used = {key for unique_id in self.shown for key in self.parents(unique_id)}
        for source, table in self._project.sources.values():
            key = dg.AssetKey([source, table])
            if source == "reference" and key in used:
                yield dg.AssetSpec(key, group_name=source, description=f"reference/{table}.csv, which people edit.")

    def _is_shown(self, model: Model) -> bool:
        return model.layer == MARTS or (model.layer == "staging" and self._reads_a_feed_in_use(model))

    def _reads_a_feed_in_use(self, model: Model) -> bool:
        read = [self._project.sources[parent] for parent in model.parents if parent in self._project.sources]
        return any(self._origin(*source) for source in read if source[0] not in _BOOKKEEPING)

    def _all_above(self, unique_id: str) -> frozenset[dg.AssetKey]:
        """Return the nearest shown assets on every way up."""
        if unique_id not in self._above:
            parents = self._project.models[unique_id].parents
            self._above[unique_id] = _None.union(*(self._nearest(parent) for parent in parents))
        return self._above[unique_id]

    def _nearest(self, unique_id: str) -> frozenset[dg.AssetKey]:
        if unique_id in self.keys:
            return frozenset({self.keys[unique_id]})
        if unique_id in self._project.sources:
            return self._origin(*self._project.sources[unique_id])
        return self._all_above(unique_id)

    def _ancestors(self, unique_id: str) -> frozenset[dg.AssetKey]:
        ids = {key: parent for parent, key in self.keys.items()}
        found = self._all_above(unique_id)
        return found.union(*(self._ancestors(ids[key]) for key in found if key in ids))

    def _origin(self, source: str, table: str) -> frozenset[dg.AssetKey]:
        """Name what a dbt source shows: a feed's rows, those of all feeds of a table, a reference file."""
        if source == "reference":
            return frozenset({dg.AssetKey([source, table])})
        if source == "ledger":
            return _None
        wanted = table.removeprefix("all_")
        return frozenset(raw_key(feed.name) for feed in self._feeds if wanted in (feed.table, feed.name, "rejected"))


def _key(model: Model) -> dg.AssetKey:
    return dg.AssetKey([model.layer, model.name])
