"""Writes docs/reference/configuration.md: the models of the settings, and the options of every source."""

from pathlib import Path

from market_data.settings.reference import reference
from market_data.sources import catalog

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "configuration.md"


def main() -> None:
    """Makes the page what the models say."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(reference(catalog()), encoding="utf-8")


if __name__ == "__main__":
    main()
