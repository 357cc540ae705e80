"""What `query` does with a question: print it, copy it, ask it. Nothing is landed and no secret is shown."""

import shutil
import subprocess
from datetime import UTC, datetime
from functools import partial
from typing import Any

import typer

from orchestration.commands.query_device import Question
from orchestration.commands.screen import err, out, print_json, print_table, shown
from orchestration.settings import Settings
from orchestration.sources.contract import Channel, Landed, Payload, SourceError
from orchestration.sources.footfallcam.device import Counter
from orchestration.sources.footfallcam.settings import SOURCE
from orchestration.sources.http import Answer, HttpClient

_CLIPBOARDS = (["wl-copy"], ["xclip", "-selection", "clipboard"], ["xsel", "-ib"], ["pbcopy"], ["clip.exe"])
_SHOWN_ROWS = 60


def show(question: Question, text: str, *, only_text: bool, copy: bool, as_json: bool) -> None:
    """Print a question, and put it on the clipboard where one is wanted and there."""
    if as_json:
        print_json({"url": question.url, "text": text, "device_id": question.target.device_id, "note": question.note})
    else:
        out().print(text, markup=False, soft_wrap=True)
        if question.note:
            err().print(question.note, markup=False, style="yellow")
        if not only_text:
            secret = "token" if question.query else "password"
            err().print(
                f"*** stands for the {secret}; --send asks, --snippet writes a program", markup=False, style="dim"
            )
    if copy:
        said = "copied" if _copied(text) else "no clipboard here: copy the text above"
        err().print(said, markup=False, style="dim")


def _copied(text: str) -> bool:
    for command in _CLIPBOARDS:
        program = shutil.which(command[0])
        if program is None:
            continue
        try:
            subprocess.run([program, *command[1:]], input=text.encode(), check=True, timeout=5)  # noqa: S603 - ours
        except (OSError, subprocess.SubprocessError):
            continue
        return True
    return False


def send(settings: Settings, question: Question, *, as_json: bool) -> None:
    """Ask, and show the rows as the feed would read them. Exit(1) where there is no answer that can be read."""
    try:
        answer = _ask(settings, question)
    except SourceError as error:
        if as_json:
            print_json({"url": question.url, "state": "failed", "reason": error.reason, "message": str(error)})
        else:
            err().print(f"{error.reason}: {shown(error, 500)}", markup=False, style="red")
        raise typer.Exit(1) from error
    if isinstance(answer, int):
        if as_json:
            print_json({"url": question.url, "state": "token", "length": answer})
        else:
            out().print(f"a token of {answer} characters came; it is not shown, because it holds the password")
        return
    _show_rows(question, answer, as_json=as_json)


def _ask(settings: Settings, question: Question) -> Answer | int:
    """Ask one counter; for a token return its length alone."""
    table_of_feed = question.settings.resolved(settings.home)
    password = settings.secret(*question.settings.secret_place(question.target.device_id))
    client = HttpClient(table_of_feed, question.connector.retry)
    counter = Counter(client, question.target, table_of_feed, password, question.connector.tokens)

    async def ask() -> Answer | int:
        if question.query is None:
            return len((await counter.token()).get_secret_value())
        return await counter.count(question.query)

    return next(iter(list(client.completed([partial(ask)]))))


def _show_rows(question: Question, answer: Answer, *, as_json: bool) -> None:
    query = question.query
    day = query.first if query and query.first == query.last else None
    payload = Payload(
        question.connector.name, SOURCE, question.url, answer.content, datetime.now(UTC), Channel.API,
        device_id=question.target.device_id, business_date=day,
    )  # fmt: skip
    parsed = question.connector.parse([Landed("query", payload, payload.received_at)])
    outcome = parsed.outcomes[0]
    rows: list[dict[str, Any]] = parsed.rows.select(["interval_start_local", "ValueIn", "ValueOut"]).to_pylist()
    if as_json:
        found = {"url": question.url, "state": outcome.state, "reason": outcome.reason, "message": outcome.message}
        print_json({**found, "note": question.note, "rejected_rows": outcome.rejected_row_count, "rows": rows})
    elif outcome.state == "unreadable":
        err().print(f"{outcome.reason}: {shown(outcome.message, 500)}", markup=False, style="red")
        err().print(shown(answer.content[:500].decode("utf-8", "replace"), 600), markup=False)
    else:
        cells = [(f"{row['interval_start_local']}", row["ValueIn"], row["ValueOut"]) for row in rows[:_SHOWN_ROWS]]
        title = f"{question.target.device_id}: {len(rows)} rows, {outcome.rejected_row_count} rejected"
        print_table(title, ("local time", "in", "out"), cells, right=("in", "out"))
        totals = f"in {sum(row['ValueIn'] for row in rows):,}, out {sum(row['ValueOut'] for row in rows):,}"
        more = f"; {len(rows) - _SHOWN_ROWS} more rows not shown" if len(rows) > _SHOWN_ROWS else ""
        out().print(f"{totals}{more}", markup=False)
        if question.note:
            err().print(question.note, markup=False, style="yellow")
    if outcome.state == "unreadable":
        raise typer.Exit(1)
