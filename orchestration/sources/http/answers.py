"""What came back, the errors named by what the caller does next, and the first look at a body. No network here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from orchestration.sources.contract import SourceError, Unreachable, Unreadable


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole. `name` is the address asked, secrets masked; header names are lower case."""

    status: int
    content: bytes = field(repr=False)
    name: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


class NoConnection(Unreachable):
    """Not even a connection came about: the origin is left alone for the rest of a fetch."""


class Faulty(SourceError):
    """The server kept answering 5xx. Retried already; ask again at the next schedule."""

    reason = "server_error"


class TooLarge(SourceError):
    """A body of more than `max_body_bytes`; only this answer is concerned."""

    reason = "too_large"


class Unexpected(SourceError):
    """A status that the caller does not handle (reason `http_<status>`); `answer` is what came with it."""

    def __init__(self, answer: Answer, message: str) -> None:
        super().__init__(message)
        self.reason = f"http_{answer.status}"
        self.answer = answer


def mismatch(content: bytes, wanted: Literal["json", "xml"]) -> str:
    """Say why a body cannot be what was asked for, as a reason code, or the empty string. The bytes are kept anyway.

    A proxy's or login page comes with status 200 and any content type, so the body is looked at and nothing else.
    """
    start = content[:512].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        return "empty_body"
    if wanted == "json":
        return "html_instead_of_json" if start.startswith(b"<") else ""
    if start[:512].lower().startswith((b"<!doctype html", b"<html")):
        return "html_instead_of_xml"
    return "" if start.startswith(b"<") else "not_xml"


def read_json(content: bytes) -> object:
    """Read JSON strictly (no trailing comma, no NaN). Raises Unreadable: empty_body, html_instead_of_json, not_json."""
    reason = mismatch(content, "json")
    said = reason.replace("_", " ")
    if not reason:
        try:
            return json.loads(content, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            reason, said = "not_json", f"{error.msg} at line {error.lineno}, column {error.colno}"
        except (ValueError, RecursionError) as error:
            reason, said = "not_json", str(error) if isinstance(error, ValueError) else "nested too deeply"
    raise Unreadable(reason, said)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
