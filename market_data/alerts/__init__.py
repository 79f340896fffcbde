"""Telling people: messages through channels, by apprise. Which messages there are is decided elsewhere."""

from market_data.alerts.outbox import deliver

__all__ = ["deliver"]
