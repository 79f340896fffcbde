"""What a revision is made by, as it was and as it would be now, and whether the two are the same. Nothing is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Why = Literal["missing", "damaged", "of other code", "of other inputs", "of another configuration"]
"""Why a table of a partition is not whole."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """From what, by which code and under which configuration a revision is made.

    Attributes:
        inputs: landed files, or revisions, with their hashes, as the ledger has them.
        configuration: its fingerprint (`pipeline.configuration`); None where that is not known.
    """

    inputs: Sequence[Mapping[str, Any]]
    code_version: str
    configuration: str | None


def why_not_whole(kept: Recipe | None, now: Recipe | None, *, is_there: bool) -> Why | None:
    """Return why a revision is not what would be made now; None where it is, and need not be made again.

    Args:
        kept: how the current revision was last made; None where there is none.
        now: how it would be made now; None where it could not be without asking a vendor, or making another first.
        is_there: whether the revision's file is there and is what it was.
    """
    if kept is None:
        return "missing"
    if not is_there:
        return "damaged"
    if now is None or _identities(kept.inputs) != _identities(now.inputs):
        return "of other inputs"
    if kept.code_version != now.code_version:
        return "of other code"
    return None if kept.configuration == now.configuration is not None else "of another configuration"


def _identities(inputs: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return what makes inputs the same: landed files in their order, then revisions in that of their names.

    Where a landed file came from is none of it: the same bytes may come from another address. A revision's number is,
    for its account may change while its rows stay.
    """
    files = [(str(each["file"]), str(each["sha256"])) for each in inputs if "file" in each]
    names = ("table", "date", "revision", "sha256")
    return [*files, *sorted(tuple(str(each[name]) for name in names) for each in inputs if "file" not in each)]
