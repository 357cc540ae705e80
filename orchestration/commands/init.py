"""`init`: a new home with explained reference files and an inbox per feed. Overwrites nothing; light."""

import tomllib
from pathlib import Path

from orchestration.commands.screen import out, shown

TEMPLATES = Path(__file__).resolve().parent.parent / "reference_templates"


class Occupied(Exception):
    """The directory already holds reference files."""


def make_home(directory: Path) -> None:
    """Write the reference files and inboxes of a new home. Raises Occupied, before anything is written."""
    home = directory.expanduser().absolute()
    reference = home / "reference"
    templates = sorted(path for path in TEMPLATES.iterdir() if path.is_file())
    present = [path.name for path in templates if (reference / path.name).exists()]
    if present:
        msg = f"{reference} already has {', '.join(present)}; nothing was changed"
        raise Occupied(msg)
    reference.mkdir(parents=True, exist_ok=True)
    for path in templates:
        with (reference / path.name).open("x", encoding="utf-8") as stream:
            stream.write(path.read_text(encoding="utf-8"))
    feeds = tomllib.loads((TEMPLATES / "feeds.toml").read_text(encoding="utf-8"))["feeds"]
    for feed in feeds:
        (home / "inbox" / feed).mkdir(parents=True, exist_ok=True)
    _tell(home, [path.name for path in templates], list(feeds))


def _tell(home: Path, files: list[str], feeds: list[str]) -> None:
    console = out()
    place = shown(home, 1000)
    console.print(f"A new home: {place}", markup=False, soft_wrap=True)
    console.print(f"  reference/  {', '.join(files)}", markup=False, soft_wrap=True)
    console.print(f"  inbox/      {', '.join(feeds)}", markup=False, soft_wrap=True)
    console.print("Next:", markup=False)
    console.print("  1. enter shops and counters in reference/ (README.md there says how)", markup=False)
    console.print("  2. say in reference/feeds.toml where the files are", markup=False)
    console.print(f"  3. footfall --home {place} doctor", markup=False, soft_wrap=True)
    console.print(f"  4. footfall --home {place} run, or import FEED FILE...", markup=False, soft_wrap=True)
