"""Writes the measured part of docs/quality.md: what the checks find of the defects that the tests plant."""

from pathlib import Path

from market_data_tests.planted.verdicts import tables

PAGE = Path(__file__).resolve().parent.parent / "docs" / "quality.md"
BEGIN, END = "<!-- measured: written by `make docs` -->", "<!-- end of what is measured -->"


def main() -> None:
    """Puts the tables between their two marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
