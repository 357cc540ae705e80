"""Health checks: each layer that can fail, what changed since the check before, and sensors that do not answer."""

from datetime import timedelta

import pytest

from tests.sources.xovis.conftest import NOW, sensor
from tests.sources.xovis.staging import staged

FEEDS = {"xovis_history": "", "xovis_live": "", "xovis_legacy": "", "xovis_status": "", "xovis_document": ""}


def checks(chain, columns: str) -> list[tuple]:
    with staged(chain.settings.home) as connection:
        return connection.execute(f"select {columns} from stg_xovis__status order by checked_at, device_id").fetchall()


@pytest.mark.parametrize(("generation", "context"), [(5, ""), (4, "#legacy")])
def test_a_healthy_sensor_fails_no_layer(generation: int, context: str, make_chain) -> None:
    door = sensor(
        1, generation=generation, zone="Europe/Zurich", zone_abbreviation="CEST", zone_offset=timedelta(hours=2)
    )
    chain = make_chain({"1": door}, FEEDS, {"1": context})
    assert chain.ingest("xovis_status").failures == []
    assert checks(
        chain, "failing_layer, fw_version, serial, time_zone, is_push_ok, is_fresh, failures, unknown_fields"
    ) == [("", "5.6.2-ea67af9807", door.serial, "Europe/Zurich", True, True, "", "")]


def test_a_time_with_a_zone_abbreviation_is_read(make_chain) -> None:
    door = sensor(1, zone="Europe/Zurich", zone_abbreviation="CET", zone_offset=timedelta(hours=1))
    chain = make_chain({"1": door}, FEEDS)
    chain.ingest("xovis_status")
    assert checks(chain, "newest_record_at, is_fresh")[0] == (NOW.replace(second=0), True)


@pytest.mark.parametrize(
    ("layer", "details"),
    [
        ("state", {"state": "UPDATING"}),
        ("clock", {"clock_ahead": timedelta(minutes=11)}),
        ("clock", {"clock_ahead": timedelta(minutes=-11)}),
        ("frames", {"frames_stand_still": True}),
        ("push_agent", {"dropped_packages": 5}),
        ("fresh", {"lost": "all"}),
    ],
)
def test_the_first_layer_that_fails_is_named(layer: str, details: dict, make_chain, clock) -> None:
    door = sensor(1)
    chain = make_chain({"1": door}, FEEDS)
    chain.ingest("xovis_status")
    for name, value in details.items():
        setattr(door, name, set(door.logics[0].minutes) if value == "all" else value)
    if layer == "fresh":
        door.lost -= {min(door.lost)}
    clock.now += timedelta(minutes=5)
    chain.ingest("xovis_status")
    assert checks(chain, "failing_layer") == [("",), (layer,)]


def test_a_new_firmware_and_a_reboot_are_told_from_one_check_to_the_next(make_chain, clock) -> None:
    door = sensor(1)
    door.firmwares.append((NOW + timedelta(minutes=5), "5.9.11-ab"))
    chain = make_chain({"1": door}, FEEDS)
    chain.ingest("xovis_status")
    clock.now += timedelta(minutes=10)
    door.booted_at = NOW + timedelta(minutes=5)
    chain.ingest("xovis_status")
    assert checks(chain, "fw_version, has_new_firmware, has_rebooted, failing_layer") == [
        ("5.6.2-ea67af9807", False, False, ""),
        ("5.9.11-ab", True, True, ""),
    ]


@pytest.mark.parametrize(
    ("fault", "where", "reason"),
    [("html", "", "html_answer"), ("unauthorized", "time/state", "refused"), ("html_403", "push", "html_403")],
)
def test_what_could_not_be_asked_is_part_of_the_check(fault: str, where: str, reason: str, make_chain) -> None:
    chain = make_chain({"1": sensor(1, fault=fault, fault_where=where)}, FEEDS)
    chain.ingest("xovis_status")
    [(layer, failures)] = checks(chain, "failing_layer, failures")
    assert reason in failures
    assert layer == ("" if where == "push" else "clock" if where else "reachable")


def test_a_dead_sensor_is_a_check_as_well(make_chain) -> None:
    extra = "xovis,02:00:5E:00:09:09,,S1,entrance,,,http://127.0.0.1:9,,,\n"
    chain = make_chain({"1": sensor(1)}, FEEDS, extra_counters=extra)
    result = chain.ingest("xovis_status")
    assert [(failure.device_id, failure.reason) for failure in result.failures] == [
        ("02:00:5E:00:09:09", "unreachable")
    ]
    assert checks(chain, "device_id, failing_layer, is_reachable") == [
        ("02:00:5E:00:00:01", "", True),
        ("02:00:5E:00:09:09", "reachable", False),
    ]
