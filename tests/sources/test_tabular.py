"""Files as they really come: every physical line loads, is blank, or is rejected with its line, column and reason."""

from datetime import UTC, date, datetime

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.sources.contract import Channel, Landed, Parsed, Payload
from orchestration.sources.profile import FileProfile, profile_for
from orchestration.sources.tabular import parse_files

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
COUNTS = {
    "source": "test",
    "kind": "counts",
    "name": "{serial}_{date:%Y%m%d}.csv",
    "columns": {"timestamp": "time", "entry_count": "in", "exit_count": "out"},
    "time_formats": "%Y-%m-%d %H:%M",
    "grain_minutes": 1,
}


def parse(profile: FileProfile, *files: tuple[str, bytes]) -> Parsed:
    landed = [
        Landed(str(i), Payload("feed", profile.source, name, content, NOW, Channel.MANUAL), NOW)
        for i, (name, content) in enumerate(files)
    ]
    return parse_files("feed", profile, landed)


def counts(text: str | bytes, name: str = "abc_20260302.csv", **override: object) -> Parsed:
    content = text.encode() if isinstance(text, str) else text
    return parse(profile_for("feed", {**COUNTS, **override}), (name, content))


def in_order(parsed: Parsed) -> list[dict]:
    return sorted(parsed.rows.to_pylist(), key=lambda row: row["_row_number"])


def rejected(parsed: Parsed) -> list[tuple[int, str, str]]:
    return [(row["line_number"], row["column_name"], row["reason"]) for row in parsed.rejections.to_pylist()]


def test_good_rows_load_with_the_device_of_the_name_and_the_day_of_the_row():
    parsed = counts("time,in,out\n2026-03-02 10:00,3,2\n2026-03-02 10:01,0,1\n")
    rows = in_order(parsed)
    assert [(r["device_id"], r["entry_count"], r["exit_count"], r["_row_number"]) for r in rows] == [
        ("abc", 3, 2, 2),
        ("abc", 0, 1, 3),
    ]
    assert rows[0]["_business_date"] == date(2026, 3, 2)
    assert rows[0]["interval_start_local"] == datetime(2026, 3, 2, 10, 0)  # noqa: DTZ001 - local by contract
    assert parsed.outcomes[0].state == "parsed"
    assert parsed.outcomes[0].row_count == 2


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("2026-03-02 10:00,x,1", "entry_count", "not_a_number"),
        ("2026-03-02 10:00,1.5,1", "entry_count", "not_whole"),
        ("2026-03-02 10:00,-1,1", "entry_count", "negative_count"),
        ("2026-03-02 10:00,,1", "entry_count", "blank_value"),
        ("2026-03-02 10:00,1e3,1", "entry_count", "not_a_number"),
        ("2026-03-02 24:00,1,1", "timestamp", "bad_timestamp"),
        ("02.03.2026,1,1", "timestamp", "bad_timestamp"),
        (",1,1", "timestamp", "blank_value"),
        ("2026-03-02 10:0", "", "missing_columns"),
        ("2026-03-02 10:00,1,1,9", "", "too_many_columns"),
        ('"2026-03-02 10:00,1,1', "", "unterminated_quote"),
        ("2026-03-02 10:00,1,99999999999999999999", "exit_count", "not_a_number"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_column_and_the_others_load(row: str, column: str, reason: str):
    parsed = counts(f"time,in,out\n2026-03-02 09:59,1,1\n{row}\n2026-03-02 10:01,5,5\n")
    assert rejected(parsed) == [(3, column, reason)]
    assert pc.sum(parsed.rows["entry_count"]).as_py() == 6
    refused = parsed.rejections.to_pylist()[0]
    assert refused["line"] == row
    assert refused["interval_start_local"].minute == 0  # its own time, or the minute that its place implies


def test_mixed_line_ends_blank_rows_bom_and_trailing_delimiters_lose_nothing():
    text = "\ufefftime;in;out;\r\n2026-03-02 10:00;1;1;\n\n;;;\r2026-03-02 10:01;2;2;\r\n   \n2026-03-02 10:02;3;3;"
    parsed = counts(text)
    assert rejected(parsed) == []
    assert [(row["_row_number"], row["entry_count"]) for row in in_order(parsed)] == [(2, 1), (5, 2), (7, 3)]
    assert parsed.outcomes[0].blank_row_count == 3


def test_swapped_columns_are_read_by_their_header():
    assert counts("out,in,time\n7,3,2026-03-02 10:00\n").rows["entry_count"].to_pylist() == [3]


def test_utf16_and_bytes_that_are_no_text_in_one_row():
    assert counts("time,in,out\n2026-03-02 10:00,1,1\n".encode("utf-16")).rows.num_rows == 1
    parsed = counts(b"time,in,out\n2026-03-02 10:00,1,1\n2026-03-02 10:\xff1,1,1\n2026-03-02 10:02,1,1\n")
    assert rejected(parsed) == [(3, "", "invalid_encoding")]
    assert parsed.rows.num_rows == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"  \r\n \n", "empty_file"),
        (b"<html><body>502 Bad Gateway</body></html>", "not_a_table"),
        (b"\x00\x01\x02" * 50, "binary_content"),
        (b"a,b,c\n1,2,3\n", "header_not_recognised"),
        (b"2026-03-02 10:00,1,1\n", "header_not_recognised"),
        (b"time,in,out\nx,y,z\nx,y,z\n", "every_row_rejected"),
    ],
)
def test_an_unreadable_file_says_why_and_stops_no_other(content: bytes, reason: str):
    profile = profile_for("feed", COUNTS)
    parsed = parse(
        profile, ("bad_20260302.csv", content), ("good_20260302.csv", b"time,in,out\n2026-03-02 10:00,4,0\n")
    )
    by_id = {outcome.delivery_id: outcome for outcome in parsed.outcomes}
    assert (by_id["0"].state, by_id["0"].reason) == ("unreadable", reason)
    assert by_id["0"].message
    assert by_id["1"].state == "parsed"
    assert parsed.rows["entry_count"].to_pylist() == [4]


def test_a_header_alone_is_an_empty_delivery_not_an_unreadable_one():
    assert counts("time,in,out\n").outcomes[0].state == "empty"


def test_counts_without_any_device_are_refused_by_name():
    parsed = counts("time,in,out\n2026-03-02 10:00,1,1\n", name="download (3).csv")
    assert parsed.outcomes[0].reason == "name_not_recognised"


def test_quoted_fields_and_trailing_blanks_and_tabs_of_names_are_read():
    profile = {"columns": {"device_id": "door", "timestamp": "time", "entry_count": "in"}, "name": "*.csv"}
    parsed = counts('door,time,in\n"Market, north\t",2026-03-02 10:00,4\nSouth \t,2026-03-02 10:00,5\n', **profile)
    assert sorted(parsed.rows["device_id"].to_pylist()) == ["Market, north", "South"]


def test_end_labels_decimal_commas_and_declared_zones():
    parsed = counts("time,in,out\n2026-03-02 10:05,1,1\n", bucket_label="end", grain_minutes=5, timezone="Asia/Kolkata")
    row = parsed.rows.to_pylist()[0]
    assert (row["interval_start_local"].hour, row["interval_start_local"].minute) == (10, 0)
    assert (row["interval_minutes"], row["timezone"]) == (5, "Asia/Kolkata")


def test_an_export_at_another_grain_says_so_by_its_own_from_and_to():
    columns = {"timestamp": "from", "interval_end": "to", "entry_count": "in"}
    parsed = counts(
        "from,to,in\n2026-03-02 10:00,2026-03-02 10:15,4\n2026-03-02 10:15,2026-03-02 10:30,2\n", columns=columns
    )
    assert parsed.rows["interval_minutes"].to_pylist() == [15, 15]


def sales(text: str, **override: object) -> Parsed:
    return parse(profile_for("sales", override), ("sales.csv", text.encode()))


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("001,02-03-2026 10:00,1,12.345", "sales_amount", "too_many_decimals"),
        ('001,02-03-2026 10:00,1,"1,000"', "sales_amount", "not_a_number"),
        ("001,02-03-2026 10:00,-1,5.00", "transaction_count", "negative_count"),
        ("001,02-03-2026 10:00,1.5,5.00", "transaction_count", "not_whole"),
        ("001,02-03-2026 10:00,1,-5.00", "sales_amount", "refund_not_supported"),
        ("001,02-03-2026 10:00 PM,1,5.00", "timestamp", "twelve_hour_clock"),
        ("001,2025-01-02 10:00,1,5.00", "timestamp", "bad_timestamp"),
        (",02-03-2026 10:00,1,5.00", "store_code", "blank_value"),
        ("001,02-03-2026 25:00,1,5.00", "timestamp", "bad_timestamp"),
        ("001,02-03-2026 10:00,1,", "sales_amount", "blank_value"),
    ],
)
def test_a_bad_sales_row_gets_its_exact_code(row: str, column: str, reason: str):
    head = "StoreCode,DateTime,TotalTransactionQty,TotalTransactionValue\n001,02-03-2026 09:00,2,19.90\n"
    parsed = sales(head + row + "\n")
    assert rejected(parsed) == [(3, column, reason)]
    good = parsed.rows.to_pylist()
    assert [(r["store_code"], r["transaction_count"], str(r["sales_amount"])) for r in good] == [("001", 2, "19.90")]


def test_sales_headers_are_mapped_and_decimal_commas_declared():
    columns = {"store_code": "Filiale", "timestamp": "Zeit", "transaction_count": "Bons", "sales_amount": "Umsatz"}
    parsed = sales("Filiale;Zeit;Bons;Umsatz\n007;02-03-2026 09:30;3;1234,50\n", columns=columns, decimal=",")
    row = parsed.rows.to_pylist()[0]
    assert (row["store_code"], str(row["sales_amount"])) == ("007", "1234.50")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet='0123456789-: ,;"\t\rax\x00é', max_size=24), max_size=12))
def test_whatever_stands_in_a_file_every_line_is_accounted_for(lines: list[str]):
    text = "time,in,out\n" + "\n".join(lines)
    parsed = counts(text)
    outcome = parsed.outcomes[0]
    physical = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").count("\n")
    assert (
        outcome.row_count + outcome.rejected_row_count + outcome.blank_row_count == physical
        or outcome.reason == "binary_content"
    )
    assert parsed.rows.num_rows == outcome.row_count
    assert parsed.rejections.num_rows == outcome.rejected_row_count


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["2026-03-02 10:00", "2026-03-02 1:5", "2026-03-02T10:00", "2026-02-30 10:00", "x", ""]),
            st.sampled_from(
                ["3", "007", "1.0", "+2", " 4", "5 ", "-1", "0x1F", "1e2", "", "999999999999999", "9" * 16, "nan"]
            ),
            st.sampled_from(["0", "12", "", "1,5"]),
        ),
        max_size=6,
    )
)
def test_the_quick_reader_agrees_with_the_patient_one(rows):
    text = "time,in,out\n" + "".join(",".join(row) + "\n" for row in rows)
    quick = counts(text)
    patient = counts(text + '2026-03-02 12:00,"1",1\n')  # a quote sends the whole file the patient way
    kept = [(r["_row_number"], r["interval_start_local"], r["entry_count"], r["exit_count"]) for r in in_order(quick)]
    also = [(r["_row_number"], r["interval_start_local"], r["entry_count"], r["exit_count"]) for r in in_order(patient)]
    assert kept == also[:-1]
    assert rejected(quick) == rejected(patient)


def test_the_recorded_sensor_export_gives_its_known_rows(recordings):
    file = next((recordings / "xovis_counter").glob("door_*.csv"))
    parsed = parse(profile_for("xovis_export", {}), (file.name, file.read_bytes()))
    assert rejected(parsed) == [(10026, "", "missing_columns")]
    assert parsed.rows.num_rows == 10_081  # one repeated minute more than there are distinct ones
    assert len(set(parsed.rows["interval_start_local"].to_pylist())) == 10_080
    assert (pc.sum(parsed.rows["entry_count"]).as_py(), pc.sum(parsed.rows["exit_count"]).as_py()) == (3163, 2773)
