"""One module a vendor, each behind `domain.ports.source`; found by scanning, so that a new one is one new file.

Importing a source imports no vendor SDK and no HTTP client: that happens when it fetches.
"""

from typing import cast

from market_data.domain import plugins
from market_data.domain.ports.source import Source, SourceInfo


def source(name: str) -> type[Source]:
    """The source of that name.

    Raises:
        LookupError: there is none; the text lists those there are.
    """
    return cast("type[Source]", plugins.load(__name__, name, "SOURCE"))


def catalog() -> dict[str, SourceInfo]:
    """What configuration needs to know of every source."""
    infos: dict[str, SourceInfo] = {}
    for name in plugins.names(__name__):
        kind = source(name)
        summary = (kind.__doc__ or "").strip().partition("\n")[0]
        infos[name] = SourceInfo(name=name, options=kind.Options, tables=kind.tables, summary=summary)
    return infos
