"""The truth about an emulated world: sums that must agree, and what each fault must show as."""

import ast
import csv
import io
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import emulators
from emulators.world import World, build_world

Row = dict[str, object]


def fault_of(world: World, kind: str, feed: str = "footfallcam_daily"):
    return next(fault for fault in world.faults if fault.kind == kind and fault.feed == feed)


def outages_of(world: World, device_id: str) -> list[Row]:
    return [row for row in world.truth.rows("counter_outage") if row["device_id"] == device_id]


def states_of(world: World, kind: str) -> set[object]:
    """States of the open hours of a faulty counter's day."""
    fault = fault_of(world, kind)
    return {
        row["state"]
        for row in world.truth.rows("counter_traffic_hourly")
        if row["device_id"] == fault.device_id and row["business_date"] == fault.business_date
    } - {"closed"}


def statuses_of(world: World, kind: str) -> list[object]:
    fault = fault_of(world, kind)
    return [
        row["status"]
        for row in world.truth.rows("delivery")
        if row["device_id"] == fault.device_id and row["business_date"] == fault.business_date
    ]


def test_branch_days_are_the_sum_of_their_hours(world: World) -> None:
    hours: dict[tuple[object, object], list[Row]] = defaultdict(list)
    for row in world.truth.rows("branch_traffic_hourly"):
        hours[row["branch_code"], row["business_date"]].append(row)
    for day in world.truth.rows("branch_traffic_daily"):
        of_day = hours[day["branch_code"], day["business_date"]]
        for column in ("entry_count", "exit_count", "expected_minutes", "received_minutes"):
            assert day[column] == sum(row[column] or 0 for row in of_day)  # type: ignore[misc]


def test_branch_hours_expect_what_their_entrances_expect(world: World) -> None:
    doors = {(*p.key, p.branch_code) for p in world.chain.placements if p.placement == "entrance"}
    expected: dict[tuple[object, object], int] = defaultdict(int)
    for row in world.truth.rows("counter_traffic_hourly"):
        if (row["source"], row["device_id"], row["line_id"], row["branch_code"]) in doors:
            expected[row["branch_code"], row["hour_start_at"]] += int(str(row["expected_minutes"]))
    for row in world.truth.rows("branch_traffic_hourly"):
        assert row["expected_minutes"] == expected[row["branch_code"], row["hour_start_at"]]


def test_outages_and_received_minutes_add_up_to_what_is_expected(world: World) -> None:
    lost = sum(int(str(row["outage_minutes"])) for row in world.truth.rows("counter_outage"))
    missing = sum(
        int(str(row["expected_minutes"])) - (0 if row["state"] == "stuck_zero" else int(str(row["received_minutes"])))
        for row in world.truth.rows("counter_traffic_hourly")
    )
    assert lost == missing


def test_the_truth_of_a_flawless_world_is_what_its_files_add_up_to(flawless: World) -> None:
    reverse = {p.key for p in flawless.chain.placements if p.direction == "reverse"}
    counted: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
    for upload in flawless.uploads:
        rows = csv.DictReader(io.StringIO(upload.content.decode()))
        if upload.feed == "footfallcam_daily":
            device, line, columns = upload.name.split("_")[0], "", ("in", "out")
        elif upload.feed == "xovis_export":
            device, line, columns = upload.name[:17], upload.name[18:22], ("Forward counter", "Backward counter")
        else:
            continue
        source = upload.feed.split("_")[0]
        for row in rows:
            one, other = (int(row[column]) for column in columns)
            pair = (other, one) if (source, device, line) in reverse else (one, other)
            counted[source, device, line][0] += pair[0]
            counted[source, device, line][1] += pair[1]
    told: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
    for row in flawless.truth.rows("counter_traffic_hourly"):
        told[row["source"], row["device_id"], row["line_id"]][0] += int(str(row["entry_count"]))
        told[row["source"], row["device_id"], row["line_id"]][1] += int(str(row["exit_count"]))
    assert told == counted


def test_sales_of_a_flawless_world_are_what_its_files_add_up_to(flawless: World) -> None:
    counted: dict[tuple[str, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for upload in flawless.uploads:
        if upload.feed == "sales":
            for row in csv.DictReader(io.StringIO(upload.content.decode())):
                key = row["StoreCode"], "-".join(reversed(row["DateTime"][:10].split("-")))
                quantity, amount = counted[key]
                counted[key] = (
                    quantity + int(row["TotalTransactionQty"]),
                    amount + Decimal(row["TotalTransactionValue"]),
                )
    for row in flawless.truth.rows("branch_conversion_daily"):
        key = str(row["branch_code"]), str(row["business_date"])
        if row["transaction_count"] is None:
            assert key not in counted
        else:
            assert counted[key] == (row["transaction_count"], Decimal(str(row["sales_amount"])))


def test_the_truth_after_faults_is_what_the_newest_readable_files_add_up_to(world: World) -> None:
    rejected = list(world.truth.rows("rejected_row"))
    ghosts = {(r["file_name"], r["line_number"]) for r in rejected if r["reason"] == "nonexistent_local_time"}
    minutes: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for upload in sorted(world.uploads, key=lambda upload: upload.modified_at):
        is_daily = upload.feed == "footfallcam_daily" and upload.name.endswith(".csv") and b"serial," in upload.content
        if not is_daily and upload.feed != "xovis_export":
            continue
        counter = upload.name.split("_")[0] if is_daily else upload.name[:22]
        if is_daily:
            day = datetime.strptime(upload.name[-12:-4], "%Y%m%d").strftime("%Y-%m-%d")  # noqa: DTZ007
            minutes[counter] = {at: pair for at, pair in minutes[counter].items() if not at.startswith(day)}
        for number, line in enumerate(upload.content.decode("utf-8-sig").splitlines()[1:], start=2):
            fields = line.split(",")
            if len(fields) == 4 and any(fields) and (upload.name, number) not in ghosts:
                minutes[counter][fields[1 if is_daily else 0]] = int(fields[2]), int(fields[3])
    reverse = {
        p.device_id + ("_" + p.line_id if p.line_id else "") for p in world.chain.placements if p.direction == "reverse"
    }
    read = {
        counter: tuple(sum(pair[at] for pair in pairs.values()) for at in ((1, 0) if counter in reverse else (0, 1)))
        for counter, pairs in minutes.items()
    }
    told: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in world.truth.rows("counter_traffic_hourly"):
        counter = f"{row['device_id']}_{row['line_id']}".rstrip("_")
        told[counter] = (told[counter][0] + (row["entry_count"] or 0), told[counter][1] + (row["exit_count"] or 0))  # type: ignore[operator]
    assert told == read


def test_an_outage_is_known_to_the_minute(world: World) -> None:
    (outage,) = outages_of(world, fault_of(world, "device_offline").device_id)
    assert outage["started_at"] == datetime(2026, 3, 24, 12, 7, tzinfo=UTC)
    assert outage["ended_at"] == datetime(2026, 3, 24, 14, 41, tzinfo=UTC)
    assert (outage["outage_minutes"], outage["reason"]) == (154, "device_offline")


def test_an_outage_over_midnight_is_one_outage(world: World) -> None:
    past_midnight, closed_night = (f for f in world.faults if f.kind == "outage_over_midnight")
    outage = outages_of(world, past_midnight.device_id)[0]
    assert (outage["started_at"], outage["outage_minutes"]) == (datetime(2026, 3, 27, 21, 20, tzinfo=UTC), 85)
    (outage,) = outages_of(world, closed_night.device_id)
    assert outage["ended_at"] == datetime(2026, 4, 1, 7, 20, tzinfo=UTC)
    assert outage["outage_minutes"] == 150 + 80


def test_missing_rejected_and_empty_files_are_three_different_things(world: World) -> None:
    assert (statuses_of(world, "missing_file"), states_of(world, "missing_file")) == (["missing"], {"delivery_missing"})
    assert statuses_of(world, "unreadable_file") == ["rejected"]
    assert states_of(world, "unreadable_file") == {"delivery_rejected"}
    assert (statuses_of(world, "empty_file"), states_of(world, "empty_file")) == (["partial"], {"delivery_missing"})


def test_files_that_come_again_or_late_are_told_apart(world: World) -> None:
    assert statuses_of(world, "late_file") == ["late"]
    assert statuses_of(world, "revised_file") == ["late", "revised"]
    assert statuses_of(world, "same_bytes_again") == ["duplicate", "on_time"]
    assert statuses_of(world, "half_uploaded") == ["on_time", "revised"]
    assert statuses_of(world, "unreadable_then_good") == ["late", "rejected"]
    for kind in ("late_file", "revised_file", "unreadable_then_good"):
        assert states_of(world, kind) == {"received_late"}
    assert states_of(world, "half_uploaded") == states_of(world, "same_bytes_again") == {"received"}


def test_a_late_file_is_missing_before_it_comes(world: World) -> None:
    fault = fault_of(world, "late_file")
    before = [
        row["status"]
        for row in world.truth_after_wave(1).rows("delivery")
        if row["device_id"] == fault.device_id and row["business_date"] == fault.business_date
    ]
    assert before == ["missing"]


def test_faults_that_change_nothing_leave_their_days_whole(world: World) -> None:
    for kind in ("mixed_line_ends", "blank_rows", "byte_order_mark", "repeated_minutes"):
        assert statuses_of(world, kind) == ["on_time"]
        assert states_of(world, kind) == {"received"}


def test_a_dead_counter_beside_living_ones_is_stuck_and_its_branch_partial(world: World) -> None:
    fault = fault_of(world, "stuck_at_zero")
    assert states_of(world, "stuck_at_zero") == {"stuck_zero"}
    (outage,) = outages_of(world, fault.device_id)
    assert (outage["reason"], outage["outage_minutes"]) == ("stuck_zero", 1440)
    day = next(
        row
        for row in world.truth.rows("branch_traffic_daily")
        if row["branch_code"] == fault.branch_code and row["business_date"] == fault.business_date
    )
    assert (day["status"], day["coverage_ratio"]) == ("partial", 0.75)


def test_nothing_else_is_ever_called_stuck(flawless: World) -> None:
    assert list(flawless.truth.rows("counter_outage")) == []


def test_a_counter_that_moves_at_noon_counts_for_both_branches(world: World) -> None:
    before, after = (p for p in world.chain.placements if p.valid_to or p.valid_from)
    assert before.key == after.key
    hours = [r for r in world.truth.rows("counter_traffic_hourly") if r["device_id"] == before.device_id]
    noon = datetime(2026, 4, 1, 9, tzinfo=UTC)
    assert {r["branch_code"] for r in hours if r["hour_start_at"] < noon} == {before.branch_code}  # type: ignore[operator]
    assert {r["branch_code"] for r in hours if r["hour_start_at"] >= noon} == {after.branch_code}  # type: ignore[operator]


def test_opening_hours_past_midnight_count_in_the_next_day(world: World) -> None:
    days = {
        str(row["business_date"]): row["expected_minutes"]
        for row in world.truth.rows("branch_traffic_daily")
        if row["branch_code"] == "0102"
    }
    assert days["2026-03-27"] == 12 * 60
    assert days["2026-03-28"] == 12 * 60 + 2 * 60


def test_a_branch_open_round_the_clock_expects_23_hours_when_an_hour_is_skipped(world: World) -> None:
    row = next(
        row
        for row in world.truth.rows("branch_traffic_daily")
        if (row["branch_code"], str(row["business_date"])) == ("0301", "2026-03-29")
    )
    assert row["expected_minutes"] == 4 * 23 * 60


def test_a_device_without_placement_is_kept_apart(world: World) -> None:
    fault = fault_of(world, "device_without_placement")
    hours = [r for r in world.truth.rows("counter_traffic_hourly") if r["device_id"] == fault.device_id]
    assert len(hours) == 24
    assert {(row["branch_code"], row["state"], row["expected_minutes"]) for row in hours} == {
        (None, "not_installed", 0)
    }


def test_sales_faults_show_in_conversion_and_deliveries(world: World) -> None:
    flags = {(f.business_date, f.branch_code): f for f in world.faults if f.kind == "branch_day_without_sales"}
    for row in world.truth.rows("branch_conversion_daily"):
        missing = (row["business_date"], row["branch_code"]) in flags
        assert (row["flag"] == "sales_missing") == missing
    sales = [row["status"] for row in world.truth.rows("delivery") if row["feed"] == "sales"]
    assert sorted(set(sales)) == ["duplicate", "late", "on_time", "partial"]


def test_a_corrected_store_day_replaces_what_the_first_file_said(world: World) -> None:
    fault = fault_of(world, "corrected_store_day", "sales")

    def transactions(truth) -> object:
        return next(
            row["transaction_count"]
            for row in truth.rows("branch_conversion_daily")
            if (row["branch_code"], row["business_date"]) == (fault.branch_code, fault.business_date)
        )

    assert transactions(world.truth_after_wave(1)) < transactions(world.truth)  # type: ignore[operator]


def test_faults_fit_into_a_window_with_a_repeated_hour() -> None:
    world = build_world(last_day=date(2025, 11, 2))
    assert {fault.kind for fault in world.faults} >= {"stuck_at_zero", "device_offline", "overlapping_exports"}
    assert "nonexistent_local_time" not in {fault.kind for fault in world.faults}


def test_emulators_never_import_the_product() -> None:
    for path in Path(emulators.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "orchestration" for name in names), path
