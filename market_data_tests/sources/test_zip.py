"""Zips of one member: what is refused, and in which words."""

import struct
import zipfile
from pathlib import Path

import pytest

from market_data.domain.errors import BadFile
from market_data.vendor_files.zip_member import check_zip, read_zip
from market_data_tests.vendors.binance_files import zip_of

MEMBER = "x.csv"
LIMIT = 64 << 20


def packed(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    return path


def encrypted() -> bytes:
    content = bytearray(zip_of({MEMBER: b"1,2\n"}))
    for flags in (6, content.index(b"PK\x01\x02") + 8):
        content[flags] |= 1
    return bytes(content)


def declaring(size: int) -> bytes:
    """A zip of a megabyte of zeros whose directory declares another size."""
    content = bytearray(zip_of({MEMBER: b"0" * (1 << 20)}))
    directory = content.index(b"PK\x01\x02")
    for at in (22, directory + 24):
        struct.pack_into("<I", content, at, size)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no zip at all", "no zip file"),
        (zip_of({}), "holds 0 files"),
        (zip_of({MEMBER: b"1\n", "y.csv": b"2\n"}), "holds 2 files"),
        (zip_of({"../../etc/x.csv": b"1\n"}), "'../../etc/x.csv' where 'x.csv' belongs"),
        (zip_of({"/x.csv": b"1\n"}), "'/x.csv' where"),
        (zip_of({"folder/x.csv": b"1\n"}), "'folder/x.csv' where"),
        (zip_of({"y.csv": b"1\n"}), "'y.csv' where"),
        (encrypted(), "encrypted"),
        (zip_of({MEMBER: b"0" * (4 << 20)}), "zip bomb"),
        (declaring(LIMIT + 1), "more than the"),
    ],
)
def test_a_zip_that_is_not_one_plain_member_is_refused_by_its_directory(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = packed(tmp_path, content)
    with pytest.raises(BadFile, match=words):
        check_zip(path, MEMBER, LIMIT)
    with pytest.raises(BadFile, match=words):
        list(read_zip(path, MEMBER, LIMIT))
    assert list(tmp_path.iterdir()) == [path]


def test_an_unusual_way_of_packing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(MEMBER, b"1\n")
    with pytest.raises(BadFile, match="packed in another way"):
        check_zip(path, MEMBER, LIMIT)


@pytest.mark.parametrize("size", [1 << 19, (1 << 20) - 1, (1 << 20) + 1])
def test_a_directory_that_lies_about_the_size_is_found_out(tmp_path: Path, size: int) -> None:
    path = packed(tmp_path, declaring(size))
    chunks: list[bytes] = []
    with pytest.raises(BadFile):
        chunks.extend(read_zip(path, MEMBER, 2 << 20, chunk_bytes=1 << 16))
    assert sum(map(len, chunks)) <= size


def test_one_wrong_bit_is_found_out(tmp_path: Path) -> None:
    content = bytearray(zip_of({MEMBER: bytes(range(256)) * 400}))
    content[80] ^= 1
    with pytest.raises(BadFile, match="damaged"):
        list(read_zip(packed(tmp_path, bytes(content)), MEMBER, LIMIT))


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
def test_the_member_comes_whole_in_chunks(tmp_path: Path, chunk_bytes: int) -> None:
    text = b"1,2,3\n" * 50
    path = packed(tmp_path, zip_of({MEMBER: text}))
    check_zip(path, MEMBER, LIMIT)
    chunks = list(read_zip(path, MEMBER, LIMIT, chunk_bytes))
    assert b"".join(chunks) == text
    assert max(map(len, chunks)) <= chunk_bytes
