"""The key `checks` of a feed's stanza: thresholds by check and table, or a check switched off. No thresholds here."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from market_data.domain.checks import check, check_names
from market_data.domain.ports.check import SomeThresholds


class CheckStanza(BaseModel):
    """One check of one feed. Besides these two it has a key for each table that the check judges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="`false` switches the check off for the feed")
    reason: str = Field(default="", description="why it is switched off; required then, and written nowhere else")

    @model_validator(mode="after")
    def _off_for_a_reason(self) -> "CheckStanza":
        if not self.enabled and not self.reason.strip():
            raise ValueError("expected a reason beside enabled: false")
        return self


class ChecksStanza(BaseModel):
    """The base of the model that `checks_model` makes: a key for each check there is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def named(self) -> frozenset[str]:
        """Return the checks that the stanza names."""
        return frozenset(self.model_fields_set)

    @property
    def switched_off(self) -> frozenset[str]:
        """Return the checks that it switches off."""
        return frozenset(name for name in self.named if not self._of(name).enabled)

    @property
    def other_feeds(self) -> list[tuple[str, str, str]]:
        """Check, table and the other feed that their thresholds name."""
        named = [(name, table, self._of(name)) for name in sorted(self.named) for table in check(name).tables]
        found = [(name, table, getattr(of, table, None)) for name, table, of in named]
        return [(name, table, of.other_feed) for name, table, of in found if of is not None and of.other_feed]

    def thresholds(self, name: str, table: str, kind: type[SomeThresholds]) -> SomeThresholds:
        """Return what a check holds against for a table."""
        found = getattr(self._of(name), table, None) if name in self.named else None
        return found if isinstance(found, kind) else kind()

    def _of(self, name: str) -> CheckStanza:
        return getattr(self, name)


@cache
def checks_model() -> type[ChecksStanza]:
    """Return the model of the key, made of the thresholds of every check. Imports the checks, and so polars."""
    fields: dict[str, Any] = {name: (_stanza(name) | None, Field(default=None)) for name in check_names()}
    return create_model("Checks", __base__=ChecksStanza, **fields)


def known_keys(above: list[str]) -> list[str]:
    """Return the keys that may stand below `checks` and these: checks, then tables and switches, then thresholds."""
    if not above:
        return list(check_names())
    judge = check(above[0])
    return [*judge.tables, *CheckStanza.model_fields] if len(above) == 1 else list(judge.thresholds.model_fields)


def _stanza(name: str) -> type[CheckStanza]:
    judge = check(name)
    fields: dict[str, Any] = {table: (judge.thresholds | None, Field(default=None)) for table in judge.tables}
    return create_model(name, __base__=CheckStanza, **fields)
