"""Tokens in whatever body they come, kept in memory for as long as the process lives: never on disk, never on a timer.

A counter's token is a JWT whose payload holds the password in clear (seen in the guide's own sample), so a token is
treated as the password is.
"""

import json
import re
from typing import Any, cast

from pydantic import SecretStr

_JWT = re.compile(rb"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KEYS = ("AToken", "access_token", "token")
_LONGEST = 8192

Tokens = dict[tuple[str, ...], SecretStr]  # by counter or account


def token_in(content: bytes) -> SecretStr | None:
    """Find a token in an answer: under a key of a JSON object, else the first text shaped like a JWT; None without one.

    The counter's body is not documented (the guide shows it as a picture), so plain, quoted and JSON are all taken.
    """
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        said = cast("dict[str, Any]", body)
        for key in _KEYS:
            value = said.get(key)
            if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isascii() and value.isprintable():
                return SecretStr(value)
    found = _JWT.search(content[: 8 * _LONGEST])
    return SecretStr(found.group().decode()) if found and len(found.group()) <= _LONGEST else None


def holds(content: bytes, *secrets: SecretStr | None) -> bool:
    """Tell whether an answer repeats a secret: such an answer is not kept."""
    return any(
        len(secret.get_secret_value()) >= 4 and secret.get_secret_value().encode() in content
        for secret in secrets
        if secret is not None
    )
