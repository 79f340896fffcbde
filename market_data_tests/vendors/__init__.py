"""Loopback servers that speak each vendor's protocol, with faults on request; no tests here."""
