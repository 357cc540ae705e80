"""Which errors are the user's to mend, told in one line. All others are ours and keep their traceback."""

from pydantic import ValidationError

from orchestration.catalogue import ConfigurationError
from orchestration.commands.init import Occupied
from orchestration.commands.screen import shown


def told(error: Exception) -> str | None:
    """Return the one line that says what is wrong and where; None for an error that nobody expected."""
    if isinstance(error, ConfigurationError | Occupied):
        return shown(" ".join(str(error).split()), 2000)
    if isinstance(error, ValidationError) and error.title == "Settings":
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return shown(f"environment variable FOOTFALL_{where.upper()}: {first['msg']}", 2000)
    return None
