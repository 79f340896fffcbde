"""The browser of the tests: Debian's Chromium, without what it would do on the network by itself."""

from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
