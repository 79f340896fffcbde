"""What writers of earlier versions left in a folder: claims that were neither made current nor given up.

They replaced a partition in place: a pending row with the new file's hash, a rename over `data.parquet`, the row made
current. Their files go on being read where they lie; only what they had not ended is ended here, once.
"""

from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from market_data.ledger.kept import note_current
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision, of_table
from market_data.ledger.schema import CURRENT, LOST, PENDING, SUPERSEDED, files, ledger_state, revisions
from market_data.storage.files import sha256


def settle_claims(root: Path, ledger: Ledger) -> int:
    """Make current what was renamed into place, and give up what was not; how many claims there were."""
    claims = ledger.pending()
    if claims:
        with ledger.turn() as connection:
            for claim in ledger.pending():
                _settle(root, connection, claim)
    return len(claims)


def _settle(root: Path, connection: Connection, claim: Revision) -> None:
    c, place = revisions.c, root / claim.path
    if not place.exists() or sha256(place) != claim.sha256:
        connection.execute(revisions.delete().where(c.id == claim.id))
        return
    state = connection.execute(select(ledger_state)).one()
    number, now = state.last_commit + 1, max(claim.committed_ns, state.last_ns + 1)
    connection.execute(update(ledger_state).values(last_commit=number, last_ns=now))
    current = select(revisions).where(*of_table(claim.table, claim.partition), c.state == CURRENT)
    before = connection.execute(current).mappings().all()
    for row in before:
        kept = Path("_history") / claim.path.parent / f"r{row['revision']}.parquet"
        whole = (root / kept).exists() and sha256(root / kept) == row["sha256"]
        if not whole and row["sha256"] == claim.sha256:  # the account alone changed: both are the file in place
            kept, whole = claim.path, True
        ended = {"superseded_in": number, "superseded_ns": now, "state": SUPERSEDED if whole else LOST}
        connection.execute(update(revisions).where(c.id == row["id"]).values(path=kept.as_posix(), **ended))
        if whole and kept != claim.path:
            _list(connection, kept, row["sha256"], row["size_bytes"])
    counts = {"state": CURRENT, "committed_in": number, "committed_ns": now}
    settled = update(revisions).where(c.id == claim.id, c.state == PENDING).values(counts).returning(*c)
    note_current(connection, connection.execute(settled).mappings().one(), before)
    _list(connection, claim.path, claim.sha256, claim.size_bytes)


def _list(connection: Connection, path: Path, digest: str, size_bytes: int) -> None:
    connection.execute(files.delete().where(files.c.path == path.as_posix()))
    connection.execute(insert(files).values(path=path.as_posix(), sha256=digest, size_bytes=size_bytes))
