"""The account of one partition: where each record went. Three figures that must add up to the fourth."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the records that came in.

    Attributes:
        records: records read from the landed files; of a derived table, its rows.
        accepted: records that are rows of the table now.
        deduplicated: records that repeat an accepted one's identity and all its values.
        rejected: records that broke the contract and stand in quarantine.
        expected: how many records the vendor says there are; None where it does not say.
        first_id: smallest of the vendor's running ids, where it gives one.
        last_id: greatest of them.
        id_holes: ids between the two that no accepted record carries.
    """

    records: int
    accepted: int
    deduplicated: int = 0
    rejected: int = 0
    expected: int | None = None
    first_id: int | None = None
    last_id: int | None = None
    id_holes: int | None = None

    @property
    def adds_up(self) -> bool:
        """Return whether every record is accounted for, and the vendor's own count (if any) is met."""
        whole = self.records == self.accepted + self.deduplicated + self.rejected
        return whole and (self.expected is None or self.expected == self.records)

    def as_dict(self) -> dict[str, int]:
        """Return the figures that are known, for the ledger and for people."""
        return {name: value for name, value in asdict(self).items() if value is not None}
