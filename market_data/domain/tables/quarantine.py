"""Records that broke a contract: which rule, why, what they said, and where they stood in the landed file."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import dataframely as dy

from market_data.domain.contract import Table


class Quarantine(dy.Schema):
    """`record_number` counts the records of `landed_file` from 0, a header line not counted.

    `original` is the record as the vendor wrote it, a JSON object; `run_id` is the run that first set it aside.
    """

    table = dy.String(nullable=False)
    rule = dy.String(nullable=False)
    reason = dy.String(nullable=False)
    landed_file = dy.String(nullable=False)
    record_number = dy.Int64(nullable=False)
    original = dy.String(nullable=False)
    run_id = dy.String(nullable=False)


TABLE = Table(
    name="quarantine",
    schema=Quarantine,
    order=("table", "landed_file", "record_number", "rule"),
    repetitive=("table", "rule", "reason", "landed_file", "run_id"),
)


def digest(row: Mapping[str, Any]) -> str:
    """Return what a note about a quarantined record is tied to: its table, rule, place and words, as a SHA-256."""
    parts = [row[name] for name in ("table", "rule", "landed_file", "record_number", "original")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
