"""The simulated exchange's files that are not what they should be: read exactly, set aside or refused."""

import datetime as dt
import gzip
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from market_data.domain.errors import BadFile
from market_data_tests.fetching import at
from market_data_tests.sources.simulated_case import DAY, LIQUID, exchange, landed, request, text_lines


def rewritten(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))


@pytest.mark.parametrize(
    ("value", "stands"),
    [
        ("61234.5", "61234.5"),
        ("61234.123456789", "61234.123456789"),
        ("61234.1234567891", None),
        ("1234567890", None),
        ("nan", None),
        ("1\udcff", None),
    ],
)
def test_a_price_is_read_exactly_or_set_aside(value: str, stands: str | None, tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    title, header, record, *_ = text_lines(fetched.path)
    fields = record.split(",")
    fields[3] = value
    text = "\n".join([title, header, ",".join(fields), "# records: 1", ""])
    fetched.path.write_bytes(gzip.compress(text.encode(errors="surrogateescape")))
    [batch] = source.decode(wanted, [landed(fetched.path)])
    assert batch.frame["price"].to_list() == [Decimal(stands) if stands else None]
    assert len(batch.faults) == (0 if stands else 1)


def test_fields_too_many_and_lines_without_any_are_faults(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    title, header, record, *_ = text_lines(fetched.path)
    rewritten(fetched.path, [title, header, f"{record},more", "", record, "# records: 3"])
    [batch] = source.decode(wanted, [landed(fetched.path)])
    assert [fault.row for fault in batch.faults] == [0, 1]
    assert batch.frame["price"].is_null().to_list() == [True, True, False]
    assert batch.original(1) == {"line": ""}


def test_a_large_file_comes_in_batches_that_number_their_records(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    title, header, record, *_ = text_lines(fetched.path)
    rewritten(fetched.path, [title, header, *[record] * 250_000, "# records: 250000"])
    found = [(batch.first_record, batch.frame.height) for batch in source.decode(wanted, [landed(fetched.path)])]
    assert found == [(0, 100_000), (100_000, 100_000), (200_000, 50_000)]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused_in_clear_words(share: float, tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    whole = fetched.path.read_bytes()
    fetched.path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadFile, match=r"cut short|does not fit"):
        source.verify(wanted, [fetched.path])
    with pytest.raises(BadFile, match=r"cut short|does not fit"):
        list(source.decode(wanted, [landed(fetched.path)]))
    assert list(tmp_path.iterdir()) == [fetched.path]


def test_other_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    path, lines, whole = fetched.path, text_lines(fetched.path), fetched.path.read_bytes()

    def refused(words: str) -> None:
        with pytest.raises(BadFile, match=words):
            source.verify(wanted, [path])

    path.write_bytes(whole[:-8] + b"\0" * 8)
    refused("not a whole gzip file: CRC")
    path.write_bytes(whole[:500] + b"\xff" * 50 + whole[550:])
    refused("not a whole gzip file")
    path.write_bytes(b"PK\x03\x04")
    refused("not a whole gzip file")
    rewritten(path, lines[:-1])
    refused("its last line, '# records: N', is missing")
    rewritten(path, [*lines, lines[2]])
    refused("goes on after its last line")
    rewritten(path, [lines[0], "price,size", *lines[2:]])
    refused("expected the line 'trade_id,")
    rewritten(path, [*lines[:2], "9" * 20_000, lines[-1]])
    refused("a line of 10,000 bytes or more")


def test_a_file_of_another_table_symbol_or_day_is_refused(tmp_path: Path) -> None:
    source = exchange()
    [fetched] = source.fetch(request("trades"), at(tmp_path))
    others = (request("quotes"), request("trades", LIQUID), request("trades", day=DAY + dt.timedelta(days=1)))
    for other in others:
        with pytest.raises(BadFile, match="does not fit demo/"):
            source.verify(other, [fetched.path])
    with pytest.raises(BadFile, match="is one file of this vendor; got 2"):
        source.verify(request("trades"), [fetched.path, fetched.path])


def test_a_good_file_is_taken_under_the_vendors_name(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    mine = fetched.path.rename(tmp_path / "mine.gz")
    [verified] = source.verify(wanted, [mine])
    assert (verified.path, verified.name, verified.origin) == (mine, fetched.name, "mine.gz")
