"""How long a source waits for its vendor. Imported at every start: no HTTP client here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try again, and when to give up.

    Attributes:
        attempts: how often the same request is made before it counts as failed.
        first_wait_seconds: the wait before the second try; each later one is twice as long. A random part of up to
            this much is added, so that many clients do not come back at once.
        longest_wait_seconds: no wait of our own choosing is longer.
        longest_retry_after_seconds: a wait that the vendor asks for is kept to; a longer one than this is not waited
            for, the request fails at once and says so.
        timeout_seconds: of a connection attempt, and of silence in the middle of an answer.
    """

    attempts: int = 6
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    longest_retry_after_seconds: float = 300.0
    timeout_seconds: float = 30.0
