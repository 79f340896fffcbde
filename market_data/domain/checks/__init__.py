"""One file a family of checks, partition in, findings out; found by scanning."""

from collections.abc import Collection
from typing import cast

from market_data.domain import plugins
from market_data.domain.ports.check import Check


def check_names() -> tuple[str, ...]:
    """Return every check, in order of name."""
    return plugins.names(__name__)


def check(name: str) -> Check:
    """Return the check of that name.

    Raises:
        LookupError: there is none; the text lists those there are.
    """
    return cast("Check", plugins.load(__name__, name, "CHECK"))


def applicable(
    tables: Collection[str], configured: Collection[str] = (), switched_off: Collection[str] = ()
) -> dict[str, str]:
    """Return the checks that apply to a feed of these tables, and where each is shown: at the first that it judges.

    Args:
        tables: the feed's.
        configured: checks that the feed's stanza names: some apply to no other.
        switched_off: checks that the stanza switches off.
    """
    wanted = (
        name
        for name in check_names()
        if name not in switched_off and (name in configured or not check(name).thresholds.on_request)
    )
    shown = {name: next((table for table in check(name).tables if table in tables), None) for name in wanted}
    return {name: table for name, table in shown.items() if table is not None}
