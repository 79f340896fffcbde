"""Whether the configuration loads."""

from collections.abc import Iterator

from market_data.operations.health._probe import HEALTHY, Probe, Scope, Verdict


class _Configuration:
    needs = ()

    def look(self, scope: Scope) -> Iterator[Verdict]:
        feeds, path = scope.feeds, scope.settings.config_path
        words = f"{path} loads; feeds: {len(feeds)}" if scope.only is None else f"{path} has {scope.only}"
        yield Verdict("configuration", HEALTHY, words, figures={"feeds": [feed.name for feed in feeds]})


PROBE: Probe = _Configuration()
