"""Conversion per branch and day: purchases over visitors, in the hours where both are known.

Visitors follow the branch's basis (in, out, average). Money in cents until it is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from emulators.chain import Branch, Chain
from emulators.till_reports import TillReport
from emulators.tills import Invoices
from emulators.truth.branches import BranchTraffic


@dataclass(frozen=True)
class Conversion:
    """One branch-day. Sales are None when no sales arrived, visitors None when traffic is unknown."""

    branch_code: str
    business_date: date
    transaction_count: int | None
    sales_cents: int | None
    visitor_count: float | None
    conversion_ratio: float | None
    is_paired: bool
    flag: str


def standing_sales(reports: Iterable[TillReport]) -> Mapping[tuple[str, int], Invoices]:
    """Return the invoices that stand per branch and day: of the newest report that has the store-day."""
    standing: dict[tuple[str, int], Invoices] = {}
    for report in sorted(reports, key=lambda found: found.modified_at):
        if not report.is_copy:
            standing |= {(code, report.index): invoices for code, invoices in report.invoices.items()}
    return standing


def convert(
    chain: Chain,
    hourly: Mapping[str, list[BranchTraffic]],
    daily: Mapping[str, list[BranchTraffic]],
    sales: Mapping[tuple[str, int], Invoices],
) -> list[Conversion]:
    """Work out every branch-day of the chain."""
    return [
        _day(branch, index, day, [h for h in hourly[branch.code] if h.business_date == day.business_date], sales)
        for branch in chain.branches
        for index, day in enumerate(daily[branch.code])
    ]


def _visitors(branch: Branch, traffic: BranchTraffic) -> float | None:
    if traffic.entry_count is None or traffic.exit_count is None:
        return None
    basis = branch.template.visitor_basis or "in"
    came, went = traffic.entry_count, traffic.exit_count
    return {"in": came, "out": went, "average": (came + went) / 2}[basis]


def _day(
    branch: Branch,
    index: int,
    day: BranchTraffic,
    hours: list[BranchTraffic],
    sales: Mapping[tuple[str, int], Invoices],
) -> Conversion:
    invoices = sales.get((branch.code, index))
    visitors = _visitors(branch, day)
    paired_transactions, paired_visitors, open_hours, paired_hours = 0, 0.0, 0, 0
    if invoices is not None:
        rung = np.searchsorted(branch.clock.hour_starts, invoices.minute, side="right") - 1
        per_hour = np.bincount(rung, minlength=len(branch.clock.hour_starts))
        for hour in hours:
            if hour.status == "complete":
                paired_hours += 1
                paired_transactions += int(per_hour[hour.hour])
                paired_visitors += _visitors(branch, hour) or 0
    open_hours = sum(hour.status != "closed" for hour in hours)
    ratio = round(paired_transactions / paired_visitors, 6) if paired_visitors else None
    transactions = None if invoices is None else len(invoices.minute)
    return Conversion(
        branch_code=branch.code,
        business_date=day.business_date,
        transaction_count=transactions,
        sales_cents=None if invoices is None else int(invoices.cents.sum()),
        visitor_count=visitors,
        conversion_ratio=ratio,
        is_paired=bool(open_hours) and paired_hours == open_hours,
        flag=_flag(day.status, transactions, visitors, ratio),
    )


def _flag(status: str, transactions: int | None, visitors: float | None, ratio: float | None) -> str:
    if transactions is None:
        return "" if status == "closed" else "sales_missing"
    if status in ("unknown", "partial"):
        return f"traffic_{status}"
    if status == "closed":
        return "sales_while_closed" if transactions else ""
    if not visitors and transactions:
        return "zero_visitors_with_sales"
    return "above_one" if ratio is not None and ratio > 1 else ""
