"""The vendors' bytes as they came, with their SHA-256. No decoding, no network."""

from market_data.landing.store import Known, Landing

__all__ = ["Known", "Landing"]
