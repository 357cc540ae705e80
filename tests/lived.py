"""A home that has lived through the smallest demo, once for all tests that look at one."""

import base64
import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
import stamina
from typer.testing import CliRunner

from emulators.interfaces import Interfaces
from orchestration.cli import app
from orchestration.commands import demo_story
from orchestration.commands.demo_compare import Verdict
from orchestration.commands.demo_story import Story
from orchestration.settings import Settings

LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11")


class Heard(logging.Handler):
    """What the HTTP libraries log at their most talkative."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Lived:
    """The home, what the command said, and what only this process can know of the story."""

    home: Path
    exit_code: int
    stdout: str
    stderr: str
    story: Story
    heard: list[str]

    @property
    def interfaces(self) -> Interfaces:
        assert self.story.interfaces is not None
        return self.story.interfaces

    @property
    def verdict(self) -> Verdict:
        return self.story.verdicts[-1]

    def secrets(self) -> dict[str, bytes]:
        """Every text that may stand nowhere: secrets as they are, as HTTP Basic, and the tokens they were given for."""
        plain = list(self.interfaces.secrets)
        basic = [
            base64.b64encode(f"{user}:{text}".encode()).decode() for user in ("viewer", "retailer") for text in plain
        ]
        tokens = [token for _, token in self.interfaces.fleet.tokens]
        tokens += [*self.interfaces.counters.given, *self.interfaces.account.given]
        return {text[:6]: text.encode() for text in (*plain, *basic, *tokens)}


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    home = tmp_path_factory.mktemp("demo") / "home"
    heard, live_through = Heard(), demo_story.live_through
    stories: list[Story] = []

    def noted(settings: Settings, *, seed: int, days: int) -> Story:
        stories.append(live_through(settings, seed=seed, days=days))
        return stories[-1]

    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    with pytest.MonkeyPatch.context() as patch, stamina.set_testing(True, attempts=2):
        patch.setattr(demo_story, "live_through", noted)
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)
            logging.getLogger(name).addHandler(heard)
        try:
            found = CliRunner().invoke(app, ["--home", str(home), "demo", "--days", "2", "--json"])
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
                logging.getLogger(name).removeHandler(heard)
    assert stories, found.output
    assert stories[-1].errors == []
    return Lived(home, found.exit_code, found.stdout, found.stderr, stories[-1], heard.lines)
