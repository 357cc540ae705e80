"""What came of a run, for who started it: results as values, not through an IO manager or a pickle, and why it failed.

An asset says what it did with `tell`; a run that the UI started has no listener, and nothing happens.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import dagster as dg

from orchestration.home import Ingested
from orchestration.publish.published import Publication
from orchestration.transform import Transformed

Outcome = Ingested | Transformed | Publication
_INTERRUPTS = {KeyboardInterrupt.__name__, dg.DagsterExecutionInterruptedError.__name__}
_heard: ContextVar[list[Outcome] | None] = ContextVar("footfall_outcomes", default=None)


def tell(outcome: Outcome) -> None:
    """Hand over what a step did."""
    heard = _heard.get()
    if heard is not None:
        heard.append(outcome)


@contextmanager
def listening() -> Iterator[list[Outcome]]:
    """Collect what steps tell inside the block."""
    heard: list[Outcome] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def failures(events: Sequence[dg.DagsterEvent]) -> list[str]:
    """Say why a run failed, a line for each step that did, or for the run where none got so far.

    Raises KeyboardInterrupt if somebody pressed Ctrl-C: Dagster takes that for an ordinary failure.
    """
    steps = [event for event in events if event.is_step_failure]
    runs = [event for event in events if event.is_run_failure]
    errors = [event.step_failure_data.error for event in steps] + [event.job_failure_data.error for event in runs]
    if any(error is not None and error.cls_name in _INTERRUPTS for error in errors):
        raise KeyboardInterrupt
    return [reason(event) for event in steps] or [event.message or "failed" for event in runs]


def reason(event: dg.DagsterEvent) -> str:
    """Say in one line why a step failed: what it raised, without Dagster's wrapping and the names of our modules."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    kind, _, told = (error.message if error else event.message or "failed").strip().partition(": ")
    return told if told and kind.startswith("orchestration.") else ": ".join(filter(None, (kind.split(".")[-1], told)))
