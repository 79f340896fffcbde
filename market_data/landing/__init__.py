"""The vendors' bytes as they came, with their SHA-256. No decoding, no network."""

from market_data.landing.store import Known, Landing, listed_in

__all__ = ["Known", "Landing", "listed_in"]
