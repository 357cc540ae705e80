"""How an import is told on a terminal: sums, the files that need a look, the first rejected rows, what to do next."""

from collections import Counter

from rich.text import Text

from orchestration.commands.in_hand import REJECTED_SHOWN, FileInHand, Imported
from orchestration.commands.screen import days_text, out, print_table, shown

_FILES_SHOWN = 20
_STYLES = {"unreadable": "bold red", "empty": "yellow", "older": "yellow"}


def print_imported(feed: str, imported: Imported, *, dry_run: bool, now: bool, seconds: float) -> None:
    """Print what came of the files."""
    files = imported.files
    unreadable = sum(file.state == "unreadable" for file in files)
    duplicates = sum(file.is_duplicate for file in files)
    sums = {
        "files": len(files),
        "kept": sum(not file.is_duplicate for file in files),
        "duplicate": duplicates,
        "rows": sum(file.row_count for file in files),
        "rejected": sum(file.rejected_row_count for file in files),
        "unreadable": unreadable,
    }
    title = f"Dry run of {feed}: nothing was written" if dry_run else f"Imported into {feed}"
    console = out()
    print_table(title, [*sums, "business days"], [[*sums.values(), days_text(imported.days)]], sums)
    _print_files(files)
    _print_rejected(imported)
    if any(file.newer for file in files) and not now:
        told = "The newest delivery wins, and a file's own time says when it was delivered; --now counts it as of now."
        console.print(told, style="yellow", markup=False)
    if dry_run:
        told = "Import for real: the same command without --dry-run."
    elif imported.days:
        told = "Next: `footfall run`, or `footfall transform` and `footfall publish`."
    else:
        told = "Nothing changed."
    console.print(f"{told}  ({seconds:.1f} s)", style="dim", markup=False)


def _word(file: FileInHand) -> str:
    if file.state in ("unreadable", "empty"):
        return file.state
    return "older" if file.newer else "duplicate" if file.is_duplicate else "kept"


def _print_files(files: list[FileInHand]) -> None:
    """Show every file of a few; of many those that need a look, and the rest as a number."""
    notable = [file for file in files if _word(file) not in ("kept", "duplicate") or file.rejected_row_count]
    chosen = files if len(files) <= _FILES_SHOWN else notable[:_FILES_SHOWN]
    rows = []
    for file in chosen:
        word = _word(file)
        why = f"{file.reason}: {file.message}" if file.message else file.reason or file.newer
        rows.append(
            (
                shown(file.path.name, 60),
                Text(word, style=_STYLES.get(word, "")),
                file.row_count,
                file.rejected_row_count or None,
                shown(why, 300),
            )
        )
    if rows:
        print_table("", ("file", "outcome", "rows", "rejected", "why"), rows, right=("rows", "rejected"))
    if len(chosen) < len(files):
        rest = Counter(map(_word, files)) - Counter(map(_word, chosen))
        told = ", ".join(f"{count} {word}" for word, count in rest.items())
        out().print(f"  and {len(files) - len(chosen)} more: {told}", style="dim", markup=False)


def _print_rejected(imported: Imported) -> None:
    if not imported.rejected:
        return
    count = sum(file.rejected_row_count for file in imported.files)
    title = "Rejected rows" if count <= REJECTED_SHOWN else f"Rejected rows (the first {REJECTED_SHOWN} of {count})"
    columns = ("file", "line", "column", "value", "reason")
    rows = [
        (shown(r["file_name"], 40), str(r["line_number"]), r["column_name"], shown(r["value"], 40), r["reason"])
        for r in imported.rejected
    ]
    print_table(title, columns, rows, right=("line",))
