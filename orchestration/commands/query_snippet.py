"""A question as a program in some language. The secret is read from the environment, so it stands in no snippet."""

import shlex
from collections.abc import Mapping

from orchestration.commands.query_device import Question


def written(question: Question, language: str | None) -> str:
    """Write a question: its address with the secret masked, or a snippet."""
    if language is None:
        return question.url
    write = {"curl": _curl, "python": _python, "powershell": _powershell}[language]
    params = {name: str(value) for name, value in question.params.items()}
    return write(question.address, params, question.secret_name, question.secret_variable)


def _curl(address: str, params: Mapping[str, str], secret: str, variable: str) -> str:
    lines = [f"curl --get {shlex.quote(address)}"]
    lines += [f"  --data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in params.items()]
    lines.append(f'  --data-urlencode "{secret}=${variable}"')
    return " \\\n".join(lines)


def _python(address: str, params: Mapping[str, str], secret: str, variable: str) -> str:
    return f"""import os
import urllib.parse
import urllib.request

params = {dict(params)!r}
params[{secret!r}] = os.environ[{variable!r}]
url = {address!r} + "?" + urllib.parse.urlencode(params)
with urllib.request.urlopen(url, timeout=60) as answer:
    print(answer.read().decode())"""


def _powershell(address: str, params: Mapping[str, str], secret: str, variable: str) -> str:
    pairs = "\n".join(f"  {name} = {_quoted(value)}" for name, value in params.items())
    return f"""$params = [ordered]@{{
{pairs}
  {secret} = $env:{variable}
}}
Invoke-RestMethod -Method Get -Uri {_quoted(address)} -Body $params"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
