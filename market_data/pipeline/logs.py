"""How the project's log lines look: text for people, or a JSON object each. What is logged stands where it happens."""

import datetime as dt
import json
import logging
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

LogFormat = Literal["text", "json"]
FIELDS = ("run", "feed", "table", "symbol", "day", "stage")
"""What a line may tell of itself besides its words; `day` is a UTC day, `run` the id of the run."""
_PROJECT = "market_data"
_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039  never changed, only replaced


@contextmanager
def about(**fields: str | None) -> Generator[None]:
    """Give lines that are logged within the block, by whichever part, tell these fields (some of `FIELDS`) too."""
    known = {name: value for name, value in fields.items() if value is not None}
    before = _about.set({**_about.get(), **known})
    try:
        yield
    finally:
        _about.reset(before)


def show(log_format: LogFormat) -> None:
    """What the project logs is shown on stderr, once: a process that the engine runs has no handler of its own for it.

    A handler that is there already keeps its place and gets the format.
    """
    log = logging.getLogger(_PROJECT)
    if not log.handlers:
        log.addHandler(logging.StreamHandler(sys.stderr))
        log.setLevel(logging.INFO)
    for handler in log.handlers:
        handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter(_TEXT))


class JsonLines(logging.Formatter):
    """A line a record: `time` (UTC, ISO 8601), `level`, `logger`, `message`, then those of `FIELDS` that are known."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        known = {**_about.get(), **record.__dict__}
        line |= {name: known[name] for name in FIELDS if name in known}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
