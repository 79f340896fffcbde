"""One module a vendor, each behind `domain.ports.source`; found by scanning, so that a new one is one new file.

Importing a source imports no vendor SDK and no HTTP client: that happens when it fetches.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from market_data.domain import plugins
from market_data.domain.ports.source import Source, SourceInfo


def source(name: str) -> type[Source]:
    """Return the source of that name.

    Raises:
        LookupError: there is none; the text lists those there are.
    """
    return cast("type[Source]", plugins.load(__name__, name, "SOURCE"))


class _Catalog(Mapping[str, SourceInfo]):
    """Imports a source when it is asked for: a feeds file names one or two of them."""

    def __getitem__(self, name: str) -> SourceInfo:
        if name not in plugins.names(__name__):
            raise KeyError(name)
        kind = source(name)
        summary = (kind.__doc__ or "").strip().partition("\n")[0]
        return SourceInfo(name=name, options=kind.Options, tables=kind.tables, summary=summary)

    def __contains__(self, name: object) -> bool:
        return name in plugins.names(__name__)

    def __iter__(self) -> Iterator[str]:
        return iter(plugins.names(__name__))

    def __len__(self) -> int:
        return len(plugins.names(__name__))


def catalog() -> Mapping[str, SourceInfo]:
    """Return what configuration needs to know of every source."""
    return _Catalog()
