"""dbt's models as assets of one step: the transform takes the touched days from the ledger and rebuilds all or nothing.

Made from dbt's manifest, without dagster-dbt (docs/decisions.md). The data tests behind a mart are one check, which
names what fails. Which models are shown, and what stands above them, is lineage.py's business.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta

import dagster as dg

from orchestration.dbt_runner import DbtFailure, NodeResult
from orchestration.defs.coverage import completeness_specs, judge_completeness
from orchestration.defs.feeds import Opener
from orchestration.defs.lineage import MARTS, Lineage
from orchestration.defs.manifest import Model, Project
from orchestration.defs.outcome import tell
from orchestration.defs.processes import mark
from orchestration.defs.progress_log import progress_logged
from orchestration.locks import locked
from orchestration.sources.contract import Feed
from orchestration.transform import Transformed, transform

POOL = "warehouse"
DBT_BUILD = "dbt_build"  # the step's name
TESTS = "data_tests"
_BAD = ("fail", "error", "warn")


class TransformConfig(dg.Config):
    """Which business days to rebuild besides the touched ones."""

    first_day: str = ""
    """Business days to rebuild although nothing changed, ISO, both ends included."""
    last_day: str = ""
    full: bool = False
    """Rebuild everything."""


def warehouse_assets(
    opened: Opener, project: Project, feeds: Sequence[Feed]
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Make the models' assets and the reference files they read."""
    lineage = Lineage(project, feeds)
    shown, keys = lineage.shown, lineage.keys
    specs = [
        dg.AssetSpec(
            keys[model.unique_id],
            deps=sorted(lineage.parents(model.unique_id)),
            group_name=model.layer,
            description=model.description,
            metadata=_columns(model),
            kinds={"dbt", "duckdb"},
            skippable=True,
        )
        for model in shown.values()
    ]
    tests = {
        dg.AssetCheckKey(keys[unique_id], TESTS): lineage.tests(unique_id)
        for unique_id, model in shown.items()
        if model.layer == MARTS
    }
    checks = [
        dg.AssetCheckSpec(
            TESTS, asset=key.asset_key, description=f"{len(names)} dbt data tests: its own, and above it."
        )
        for key, names in tests.items()
        if names
    ]

    @dg.multi_asset(
        name=DBT_BUILD,
        specs=specs,
        check_specs=[*checks, *completeness_specs(feeds, keys.values())],
        pool=POOL,
        can_subset=True,
    )
    def rebuild(
        context: dg.AssetExecutionContext, config: TransformConfig
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        mark(context)
        home, selected = opened(), context.selected_asset_check_keys
        try:
            with locked(home.settings.home, "warehouse", context.log.info), progress_logged(context):
                done = transform(home, _named_days(config), full=config.full)
                tell(done)
                results = {node.unique_id: node for node in done.nodes}
                completeness = list(judge_completeness(home.settings.warehouse, done.days, selected))
        except DbtFailure as failure:
            failed = {node.unique_id: node for node in failure.failed}
            yield from _judge(tests, failed, selected, only_failed=True)
            raise dg.Failure(str(failure), allow_retries=False) from failure
        if not done.days:
            context.log.info("nothing has changed since the last transform")
            return
        yield from _materialized(context, keys, done)
        yield from _judge(tests, results, selected)
        yield from completeness

    return [*lineage.reference(), rebuild]


def _named_days(config: TransformConfig) -> list[date] | None:
    if not config.first_day:
        return None
    first, last = date.fromisoformat(config.first_day), date.fromisoformat(config.last_day)
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def _columns(model: Model) -> dict[str, dg.MetadataValue]:
    columns = [dg.TableColumn(name, kind or "string", description) for name, kind, description in model.columns]
    return {"dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns))} if columns else {}


def _materialized(
    context: dg.AssetExecutionContext,
    keys: Mapping[str, dg.AssetKey],
    done: Transformed,
) -> Iterator[dg.MaterializeResult]:
    """Report every model that was built, also those that whoever started this run had not selected."""
    for node in done.nodes:  # in the order dbt ran them, which Dagster insists on
        key = keys.get(node.unique_id)
        if key is None or node.status != "success":
            continue
        facts = {"days": len(done.days), "is_full": done.is_full, "seconds": round(node.seconds, 3)}
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata=facts)
        else:
            context.log_event(dg.AssetMaterialization(key, metadata=facts))


def _judge(
    tests: Mapping[dg.AssetCheckKey, Sequence[str]],
    results: Mapping[str, NodeResult],
    selected: AbstractSet[dg.AssetCheckKey],
    *,
    only_failed: bool = False,
) -> Iterator[dg.AssetCheckResult]:
    """Sum up the data tests behind each check."""
    for key, names in tests.items():
        ran = [results[name] for name in names if name in results]
        bad = [node for node in ran if node.status in _BAD]
        if key not in selected or not ran or (only_failed and not bad):
            continue
        only_warned = bool(bad) and all(node.status == "warn" for node in bad)
        yield dg.AssetCheckResult(
            check_name=key.name,
            asset_key=key.asset_key,
            passed=not bad,
            severity=dg.AssetCheckSeverity.WARN if only_warned else dg.AssetCheckSeverity.ERROR,
            metadata={
                "tests": len(ran),
                "failing": dg.MetadataValue.json({node.unique_id: node.message for node in bad}),
            },
        )
