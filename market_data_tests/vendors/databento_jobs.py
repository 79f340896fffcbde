"""The batch jobs of a loopback Databento: ordered, prepared, listed and downloaded in parts. No server here.

The forms are read off the client's own source (`databento/historical/api/batch.py`) and the vendor's documentation.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any

from market_data.domain.time import parse_instant

SUBMIT, DETAILS, JOBS = "batch.submit_job", "batch.get_job_details", "batch.list_jobs"
FILES, DOWNLOAD = "batch.list_files", "batch.download"
USER = "LOOPBACK"


@dataclass
class Job:
    """One order. `states` are told one after the other, the last one for ever; `parts` are the data files."""

    name: str
    form: dict[str, str]
    parts: list[bytes]
    states: list[str]
    received: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def details(self) -> dict[str, Any]:
        """As `batch.submit_job` and `batch.get_job_details` tell of it."""
        flags = {name: self.form[name] == "True" for name in ("pretty_px", "pretty_ts", "map_symbols", "split_symbols")}
        texts = ("dataset", "symbols", "schema", "stype_in", "stype_out", "encoding", "compression", "split_duration")
        return {
            "id": self.name,
            "user_id": USER,
            "state": self.states[0],
            **{name: self.form[name] for name in texts},
            **flags,
            **{name: f"{self.form[name][:10]}T00:00:00.000000000Z" for name in ("start", "end")},
            "limit": None,
            "split_size": None,
            "delivery": self.form["delivery"],
            "ts_received": self.received.isoformat(),
        }

    @property
    def files(self) -> dict[str, bytes]:
        """By name; the vendor puts some of its own beside the data."""
        stem = f"{self.form['dataset'].lower().replace('.', '-')}-{self.form['start'][:10].replace('-', '')}"
        names = [f"{stem}{f'_{n}' if n else ''}.{self.form['schema']}.dbn.zst" for n in range(len(self.parts))]
        return {"metadata.json": b"{}", "symbology.json": b"{}", **dict(zip(names, self.parts, strict=True))}

    def listed(self, gateway: str) -> list[dict[str, Any]]:
        """As `batch.list_files` tells of them."""
        return [
            {
                "filename": name,
                "size": len(content),
                "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
                "urls": {
                    "https": f"{gateway}/v0/batch/download/{USER}/{self.name}/{name}",
                    "ftp": f"ftp://127.0.0.1/{USER}/{self.name}/{name}",
                },
            }
            for name, content in self.files.items()
        ]


@dataclass
class Jobs:
    """All orders. `states` is what new ones go through."""

    orders: list[Job] = field(default_factory=list[Job])
    states: tuple[str, ...] = ("done",)
    pieces: int = 1

    def order(self, form: dict[str, str], content: bytes) -> dict[str, Any]:
        """One more job."""
        name = f"{form['dataset'][:4]}-20240201-{len(self.orders):010d}"
        parts = [content for _ in range(self.pieces)]
        self.orders.append(Job(name, form, parts, list(self.states)))
        return {**self.orders[-1].details, "state": "received"}

    def named(self, name: str) -> Job | None:
        """The order of that name."""
        return next((job for job in self.orders if job.name == name), None)

    def since(self, form: dict[str, str]) -> list[dict[str, Any]]:
        """The list, which has no details."""
        first = parse_instant(form["since"]) if "since" in form else dt.datetime.min.replace(tzinfo=dt.UTC)
        told = [job.details for job in self.orders if job.received >= first and job.states[0] != "expired"]
        return [{name: job[name] for name in ("id", "state", "ts_received")} for job in told]

    def looked_at(self, job: Job) -> dict[str, Any]:
        """Its details; the next look may find it further on."""
        details = job.details
        if len(job.states) > 1:
            job.states.pop(0)
        return details
