"""Alerts through real servers on loopback."""
