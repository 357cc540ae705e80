"""The daily sales files of the chain: which invoices each one reports, and what is wrong with them.

One file a day for all stores, dated by each store's own calendar. A report holds invoices and marks, never bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from emulators.chain import Chain
from emulators.faults import Fault
from emulators.shipments import SALES
from emulators.tills import Invoices


@dataclass(frozen=True)
class BadRow:
    """A row that must be refused: its fields as text, and the reason."""

    text: str
    reason: str


@dataclass(frozen=True, eq=False)
class TillReport:
    """One sales file: the invoices of one date per branch."""

    day: date
    index: int
    name: str
    wave: int
    modified_at: datetime
    invoices: Mapping[str, Invoices] = field(repr=False)
    bad_rows: tuple[BadRow, ...] = ()
    has_blank_line: bool = False
    is_copy: bool = False


def bad_rows(code: str, day: date) -> tuple[BadRow, ...]:
    """Return one row of every kind that a sales import must refuse."""
    stamp = f"{day:%d-%m-%Y}"
    return (
        BadRow(f"9999,{stamp} 11:00,1,10.00", "unknown_store"),
        BadRow(f"{code},{stamp} 11:05,1.5,10.00", "not_whole"),
        BadRow(f"{code},{stamp} 11:10,1,10.005", "too_many_decimals"),
        BadRow(f"{code},{stamp} 11:15,1,-10.00", "refund_not_supported"),
        BadRow(f"{code},{stamp} 02:20 PM,1,10.00", "twelve_hour_clock"),
        BadRow(f"{code},{stamp} 11:25,,10.00", "blank_value"),
        BadRow(f"{code},{stamp} 25:30,1,10.00", "bad_timestamp"),
        BadRow(f"{code},{stamp} 11:35,-1,10.00", "negative_count"),
        BadRow(f"{code},{stamp} 11:40,one,10.00", "not_a_number"),
        BadRow(f"{code},{stamp} 11:45", "missing_columns"),
    )


def report_sales(chain: Chain, invoices: Mapping[str, Invoices], days: int, first: date) -> list[TillReport]:
    """Report every day's invoices of every branch, a little after the last shop has closed (02:10 UTC)."""
    reports = []
    for index in range(days):
        day = first + timedelta(days=index)
        of_day = {
            branch.code: found
            for branch in chain.branches
            if len((found := invoices[branch.code].on(branch.clock.span(index))).minute)
        }
        modified_at = datetime.combine(day + timedelta(days=1), time(2, 10), UTC)
        reports.append(TillReport(day, index, f"sales_{day:%Y%m%d}.csv", 1, modified_at, of_day))
    return reports


def inject_sales_faults(chain: Chain, reports: list[TillReport], faults: list[Fault]) -> None:
    """Work every kind of fault into the sales files, as far as there are days for them."""
    days = len(reports)

    def note(kind: str, report: TillReport, leads_to: str, code: str = "") -> None:
        faults.append(Fault(kind, SALES, report.name, leads_to, code, "", report.day, report.wave))

    if days < 5:
        return
    first, last = chain.branches[0].code, chain.filing_branches[-1].code
    duplicate, bad, corrected, absent, trailing = (days * at // 14 for at in (3, 5, 7, 8, 9))

    reports[bad] = replace(reports[bad], bad_rows=bad_rows(first, reports[bad].day), has_blank_line=True)
    note("bad_sales_rows", reports[bad], "each bad row rejected with its reason, the good ones kept", first)

    copied = reports[duplicate]
    copied = replace(
        copied, name=f"sales_{copied.day:%Y%m%d}_copy.csv", wave=2, is_copy=True,
        modified_at=copied.modified_at + timedelta(days=2),
    )  # fmt: skip
    reports.append(copied)
    note("duplicate_sales_file", copied, "a duplicate delivery, no change")

    right = reports[corrected]
    if first in right.invoices:
        whole = right.invoices[first]
        part = len(whole.minute) * 2 // 3
        short = Invoices(whole.minute[:part], whole.cents[:part] + 7)
        reports[corrected] = replace(right, invoices={**right.invoices, first: short})
        newer = replace(
            right, name=f"sales_{right.day:%Y%m%d}_corrected.csv", wave=2, invoices={first: whole},
            modified_at=right.modified_at + timedelta(days=3),
        )  # fmt: skip
        reports.append(newer)
        note("corrected_store_day", newer, "replaces that store's day alone; the other stores' rows stand", first)

    reports[absent] = replace(
        reports[absent], invoices={code: found for code, found in reports[absent].invoices.items() if code != last}
    )
    note("branch_day_without_sales", reports[absent], "sales_missing, nothing paired that day", last)

    reports[trailing] = replace(reports[trailing], name=reports[trailing].name + " ")
    note("trailing_blank_in_name", reports[trailing], "imported like any other")
