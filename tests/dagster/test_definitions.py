"""What Dagster is shown of a home follows from its feeds, and from nothing else."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration.catalogue import ConfigurationError
from orchestration.definitions import define
from orchestration.defs.feeds import raw_key
from orchestration.settings import Settings
from tests.dagster.conftest import Make, counts_feed, folder_remote


def shown(settings: Settings) -> dg.RepositoryDefinition:
    return define(settings).get_repository_def()


def test_a_home_without_reference_files_shows_the_marts_and_says_what_to_do(
    dbt_target: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "absent"
    (home / "dbt").mkdir(parents=True)
    (home / "dbt" / "target").symlink_to(dbt_target)
    monkeypatch.setattr(dg.get_dagster_logger("footfall"), "propagate", True)
    repository = shown(Settings(home=home))
    assert {job.name for job in repository.get_all_jobs()} == {
        "__ASSET_JOB",
        "transform",
        "publish",
        "transform_and_publish",
    }
    assert not repository.schedule_defs
    assert not any(key.path[0] == "raw" for key in repository.asset_graph.get_all_asset_keys())
    assert "footfall init" in caplog.text


def test_every_feed_becomes_a_daily_asset_with_checks_in_its_sources_group_and_pool(home: Settings):
    graph = shown(home).asset_graph
    for feed, source, due in (("footfallcam_daily", "footfallcam", True), ("sales", "sales", True)):
        node = graph.get(raw_key(feed))
        assert node.group_name == source
        assert node.pools == {source}
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
        assert node.partitions_def is not None
        assert {key.name for key in graph.get_check_keys_for_assets({raw_key(feed)})} == {
            "readable",
            "rejected_rows",
            *(["fresh"] if due else []),
        }


def test_each_source_has_a_job_and_one_schedule_in_the_zone_of_most_branches(home: Settings):
    repository = shown(home)
    assert {"ingest_footfallcam", "ingest_sales", "ingest"} <= {job.name for job in repository.get_all_jobs()}
    schedules = {schedule.name: schedule for schedule in repository.schedule_defs}
    assert schedules.keys() == {"footfallcam_schedule", "sales_schedule"}
    assert schedules["sales_schedule"].cron_schedule == ["30 6 * * *"]
    assert schedules["sales_schedule"].execution_timezone == "Europe/Athens"
    tick = schedules["sales_schedule"].evaluate_tick(dg.build_schedule_context(repository_def=repository))
    assert [request.partition_key for request in tick.run_requests or ()] == [None]


def test_a_feed_added_to_feeds_toml_appears_by_itself(home: Settings, delivered: Path):
    assert raw_key("second") not in shown(home).asset_graph.get_all_asset_keys()
    with (home.reference / "feeds.toml").open("a") as file:
        file.write(counts_feed(delivered, "second", 'profile = "footfallcam_daily"\nsource = "acme"\n'))
    repository = shown(home)
    assert repository.asset_graph.get(raw_key("second")).pools == {"acme"}
    assert repository.has_job("ingest_acme")
    assert "acme_schedule" in {schedule.name for schedule in repository.schedule_defs}
    assert "acme_remote_files" in {sensor.name for sensor in repository.sensor_defs}
    counts = repository.asset_graph.get(dg.AssetKey(["staging", "stg_files__counts"]))
    assert {raw_key("second"), raw_key("footfallcam_daily")} <= counts.parent_keys
    hourly = dg.AssetKey(["marts", "fct_counter_traffic_hourly"])
    assert "complete_acme" in {key.name for key in repository.asset_graph.get_check_keys_for_assets({hourly})}


def test_a_feed_without_a_place_to_fetch_from_has_no_schedule(make_home: Make):
    repository = shown(make_home('[feeds.by_hand]\nprofile = "incumbent_counts"\nschedule = "0 5 * * *"\n'))
    assert not repository.schedule_defs
    assert raw_key("by_hand") in repository.asset_graph.get_all_asset_keys()


def test_two_feeds_of_one_source_share_its_job_and_schedule(make_home: Make, delivered: Path):
    more = 'profile = "footfallcam_daily"\nschedule = "5 12 * * *"\n'
    repository = shown(make_home(counts_feed(delivered) + counts_feed(delivered, "noon", more)))
    (schedule,) = repository.schedule_defs
    assert schedule.cron_schedule == ["45 3 * * *", "5 12 * * *"]
    keys = repository.get_job("ingest_footfallcam").asset_layer.executable_asset_keys
    assert keys == {raw_key("footfallcam_daily"), raw_key("noon")}


@pytest.mark.parametrize(
    "wrong", ["[feeds.sales]\nschedule = 'at noon'\n" + folder_remote("sales", Path("x")), "[feeds."]
)
def test_a_mistake_in_feeds_toml_is_named(make_home: Make, wrong: str):
    with pytest.raises(ConfigurationError, match=r"feeds\.toml"):
        define(make_home(wrong))


def test_raw_flows_through_staging_and_marts_to_the_published_files(home: Settings):
    graph = shown(home).asset_graph
    above = graph.get_ancestor_asset_keys(dg.AssetKey(["published", "footfall"]))
    assert {raw_key("sales"), raw_key("footfallcam_daily"), dg.AssetKey(["landing", "sales"])} <= above
    assert dg.AssetKey(["reference", "counters"]) in above
    marts = {key for key in above if key.path[0] == "marts"}
    assert dg.AssetKey(["marts", "fct_delivery"]) in marts
    assert {key.name for key in graph.get_check_keys_for_assets(marts)} >= {"data_tests", "complete_footfallcam"}


def test_runs_execute_in_their_own_process_alone(home: Settings):
    assert {job.executor_def.name for job in shown(home).get_all_jobs()} == {"in_process"}


def test_readers_and_steps_import_neither_dagster_nor_dbt():
    modules = ("steps", "transform", "publish.published", "publish.read", "locks", "defs.instance", "defs.manifest")
    imports = "".join(f"import orchestration.{module}\n" for module in modules)
    code = f"{imports}import sys\nprint([name for name in ('dagster', 'dbt') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout == "[]\n"


def test_the_workspace_file_names_this_code_location():
    root = Path(__file__).resolve().parents[2]
    assert "module_name: orchestration.definitions" in (root / "workspace.yaml").read_text()
