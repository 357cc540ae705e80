"""`verify`: a content hash of every mart, and whether what is published is what the warehouse says. Reads only."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import typer

from orchestration.commands.screen import err, marked, out, print_json, print_table
from orchestration.publish.marts import NothingToPublish, WarehouseBusy
from orchestration.publish.read import last_published_at
from orchestration.publish.verify import MartHash, content_hashes, overall_hash
from orchestration.settings import Settings


def show(settings: Settings, *, published: bool, as_json: bool) -> None:
    """Print the hashes. Raises Exit(1) when warehouse and publication differ, or nothing is there to hash."""
    said = _hashes(settings.published.resolve()) if settings.published.exists() else None
    made = None if published else _hashes(settings.warehouse)
    hashes = said if published else made
    if hashes is None:
        told = f"footfall: nothing is published yet in {settings.home}: run `footfall publish`"
        err().print(told, markup=False, soft_wrap=True)
        raise typer.Exit(1)
    different = [] if made is None or said is None else _different(made, said)
    if as_json:
        marts = {name: {"row_count": mart.row_count, "sha256": mart.sha256} for name, mart in sorted(hashes.items())}
        print_json(
            {
                "database": "published" if published else "warehouse",
                "marts": marts,
                "overall_sha256": overall_hash(hashes),
                "published_at": last_published_at(settings.home),
                "published_equals_warehouse": None if made is None or said is None else not different,
                "different_marts": different,
            }
        )
    else:
        _print(settings, hashes, is_compared=made is not None, is_published=said is not None, different=different)
    if different:
        raise typer.Exit(1)


def _hashes(database: Path) -> Mapping[str, MartHash]:
    try:
        return content_hashes(database)
    except (NothingToPublish, WarehouseBusy) as error:
        err().print(f"footfall: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except duckdb.Error as error:
        told = f"footfall: {database} cannot be read ({str(error).splitlines()[0]}); `footfall rebuild` makes it again"
        err().print(told, markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _different(made: Mapping[str, MartHash], said: Mapping[str, MartHash]) -> list[str]:
    return sorted(name for name in made.keys() | said.keys() if made.get(name) != said.get(name))


def _print(
    settings: Settings, hashes: Mapping[str, MartHash], *, is_compared: bool, is_published: bool, different: list[str]
) -> None:
    console = out()
    rows = []
    for name, mart in sorted(hashes.items()):
        equal = marked("fail" if name in different else "ok") if is_compared and is_published else ""
        rows.append((name, mart.row_count, mart.sha256[:32], equal))
    columns = ("mart", "rows", "content hash (first half)", "as published")
    print_table("Marts", columns, rows, right=("rows",))
    console.print(f"all marts  {overall_hash(hashes)}", markup=False, soft_wrap=True)
    if not is_compared:
        return
    if not is_published:
        console.print("nothing is published yet: run `footfall publish`", style="yellow", markup=False)
    elif different:
        told = f"published differs in {', '.join(different)}: run `footfall publish`"
        console.print(told, style="bold red", markup=False, soft_wrap=True)
    else:
        console.print(f"published ({last_published_at(settings.home):%Y-%m-%d %H:%M} UTC) says the same", style="green")
