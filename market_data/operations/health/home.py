"""Whether the home is there and can be written."""

import tempfile
from collections.abc import Iterator

from market_data.operations.health._probe import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict

_NAMED = "MARKET_DATA_HOME names it"


class _Home:
    needs = ("configuration",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        home = scope.settings.home
        if not home.exists():
            advice = "`market-data demo` and `market-data ingest` make it"
            yield Verdict("home", DEGRADED, f"nothing is at {home} yet ({_NAMED})", advice, bars=True)
            return
        try:
            with tempfile.TemporaryFile(dir=home) as file:
                file.write(b"written")
                file.flush()
        except OSError as error:
            advice = f"let this user ({_NAMED}) write there, or make room"
            yield Verdict("home", UNHEALTHY, f"{home} cannot be written: {error.strerror}", advice, bars=True)
            return
        yield Verdict("home", HEALTHY, f"{home} can be written")


PROBE: Probe = _Home()
