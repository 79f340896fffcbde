"""`condition.json`: what Databento says of a day, landed beside the data, so that it is known without network."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "condition.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the vendor said when the files beside were bought.

    Attributes:
        condition: `available`, `degraded` or `missing`; None where it does not list the day.
        last_modified_date: when it last changed anything of that day, in ISO 8601.
        records: by schema, how many there are.
    """

    condition: str | None
    last_modified_date: str | None
    records: Mapping[str, int]

    @property
    def expected(self) -> int:
        """Return all records of the files beside."""
        return sum(self.records.values())

    @property
    def notes(self) -> dict[str, Any]:
        """For the ledger: the condition, and a remark where it is not good."""
        remarks = [] if self.condition in ("available", None) else [f"Databento calls the day {self.condition}"]
        return {"condition": self.condition, "remarks": remarks}


def write(facts: Facts, folder: Path) -> Path:
    """Return facts as bytes: the same facts give the same."""
    path = folder / NAME
    path.write_text(json.dumps(asdict(facts), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Facts:
    """Return what `write` wrote."""
    return Facts(**json.loads(path.read_text(encoding="utf-8")))
