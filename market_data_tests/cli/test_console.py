"""What is written without rich is what rich would write."""

import io

from hypothesis import given
from hypothesis import strategies as st

from market_data.cli.console import _markdown, _print_with_rich

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.strip)
"""rich cuts blanks off at the ends of a value."""


@given(
    st.integers(1, 4).flatmap(
        lambda columns: st.tuples(
            st.lists(TEXT.filter(bool), min_size=columns, max_size=columns),
            st.lists(st.booleans(), min_size=columns, max_size=columns),
            st.integers(0, 4).flatmap(
                lambda rows: st.lists(st.lists(TEXT, min_size=rows, max_size=rows), min_size=columns, max_size=columns)
            ),
        )
    )
)
def test_a_table_without_a_terminal_is_the_same_with_and_without_rich(
    table: tuple[list[str], list[bool], list[list[str]]],
) -> None:
    names, on_right, cells = table
    file = io.StringIO()
    assert _print_with_rich(names, on_right, cells, file) == ""
    assert _markdown(names, on_right, cells) == file.getvalue()
