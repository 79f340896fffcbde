"""What a fetch brings and what becomes of it: files of pages with the facts beside them, each proved by its walk."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from market_data.domain.contract import Schema
from market_data.domain.errors import BadFile, NotAvailable
from market_data.domain.ports.source import Batch, Fetched, LandedFile, Request
from market_data.sources.ccxt import decode, facts, instruments, lines
from market_data.sources.ccxt.book import Book, frames
from market_data.sources.ccxt.collect import Kind, Steps, collect
from market_data.sources.ccxt.exchanges import way
from market_data.sources.ccxt.facts import Facts, Tally
from market_data.sources.ccxt.options import CcxtOptions
from market_data.sources.ccxt.pages import Unfit, Way
from market_data.sources.ccxt.session import Session, kept

_SUFFIX = ".jsonl.zst"


def market(session: Session, request: Request, workdir: Path) -> Fetched:
    """Return the market as it is now."""
    path = instruments.write(session.market(request.vendor_symbol), workdir)
    return Fetched(path, path.name, f"{session.exchange} load_markets")


def pages(
    session: Session, options: CcxtOptions, request: Request, timeframes: Sequence[str | None], workdir: Path
) -> list[Fetched]:
    """Return the day's pages: of trades (a timeframe of None) or of the candles of each timeframe."""
    known = _market(session, request, workdir)
    walked = way(options.exchange, known, options.page_size)
    brought: list[Fetched] = []
    tallies: dict[str, Tally] = {}
    for timeframe in timeframes:
        kind, name = Kind(request.partition.date, timeframe), _name(timeframe)
        book = Book(workdir / f"pages-of-{name}")
        tallies[name] = collect(session, walked, kind, book, str(request))
        book.copy(workdir / name, turned=timeframe is None and walked.pages_newest_first)
        brought.append(Fetched(workdir / name, name, f"{session.exchange} {request.vendor_symbol}"))
    said = facts.write(Facts(options.exchange, known, options.page_size, tallies), workdir)
    return [*brought, Fetched(said, said.name, "counted when the pages came")]


def verified(exchange: str, request: Request, paths: Sequence[Path]) -> list[Fetched]:
    """Return files that were landed elsewhere: pages and facts, or a market.

    Raises:
        BadFile: they are not of the request, not whole, or do not agree.
    """
    by_name = {path.name: path for path in paths}
    if len(by_name) != len(paths) or not all(path.is_file() for path in paths):
        raise BadFile("expected files of different names")
    if request.table == "instruments":
        return [_verified_market(request, by_name)]
    if facts.NAME not in by_name:
        raise BadFile(f"expected {facts.NAME} beside files of pages ({_name(None)}), as a fetch lands them")
    said = facts.read(by_name[facts.NAME])
    if said.exchange != exchange or said.market.get("symbol") != request.vendor_symbol:
        raise BadFile(f"{facts.NAME} is of {said.exchange} {said.market.get('symbol')}")
    if sorted({*said.files, facts.NAME}) != sorted(by_name):
        raise BadFile(f"expected {', '.join(said.files)} beside {facts.NAME}, and was given {', '.join(by_name)}")
    walked = way(said.exchange, said.market, said.page_size)
    for name, tally in said.files.items():
        if (request.table == "trades") != (_timeframe(name) is None) or not name.endswith(_SUFFIX):
            raise BadFile(f"{name} is no file of {request.table}")
        if (found := _walked(by_name[name], walked, Kind(request.partition.date, _timeframe(name)))) != tally:
            raise BadFile(f"{name} holds {found}, and {facts.NAME} says {tally}")
    return [Fetched(by_name[name], name, f"file {name}") for name in (*said.files, facts.NAME)]


def batches(request: Request, file: LandedFile, files: Sequence[LandedFile], schema: Schema) -> Iterator[Batch]:
    """Yield a landed file's rows.

    Raises:
        BadFile: it, or the facts beside it, cannot be read.
    """
    if file.name == instruments.NAME:
        yield instruments.batch(file.name, file.path.read_bytes())
    if not file.name.endswith(_SUFFIX):
        return
    said = facts.read(next(each.path for each in files if each.name == facts.NAME))
    walked, day = way(said.exchange, said.market, said.page_size), request.partition.date
    if (timeframe := _timeframe(file.name)) is None:
        yield from decode.trade_batches(file.path, file.name, walked, schema, day)
    else:
        labels = (request.vendor_symbol, timeframe)
        yield from decode.candle_batches(file.path, file.name, walked, schema, day, labels)


def _market(session: Session, request: Request, workdir: Path) -> dict[str, object]:
    """As it was told when the fetch began: pages that are walked again are of the same one, and nobody is asked."""
    path = workdir / "market-of-the-pages.json"
    if not path.exists():
        text = json.dumps(kept(session.market(request.vendor_symbol)), sort_keys=True)
        path.with_suffix(".part").write_text(text, encoding="utf-8")
        path.with_suffix(".part").replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


def _walked(path: Path, walked: Way, kind: Kind) -> Tally:
    """Return the tally of a landed file whose pages lead through the whole day.

    Raises:
        BadFile: they do not.
    """
    spans = [(start, end) for start, end, _ in frames(path)]
    turned = kind.timeframe is None and walked.pages_newest_first
    stored = (page for _, _, page in frames(path)) if not turned else _reversed(path, spans)
    steps: Steps | None = None
    try:
        for page in stored:
            call, text = lines.read(page)
            if steps is None:
                steps = Steps(walked, kind, walked.started(call) if kind.timeframe is None else None)
            if call != steps.call:
                raise BadFile(f"{path.name} has a page of {call} where one of {steps.call or 'no other call'} belongs")
            steps.take(walked.read(call, text))
    except (Unfit, NotAvailable) as error:
        raise BadFile(f"{path.name}: {error}") from error
    if steps is None or steps.call is not None:
        raise BadFile(f"{path.name} ends before the day does: a page of {steps and steps.call} is missing")
    return steps.tally


def _reversed(path: Path, spans: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    import zstandard

    with path.open("rb") as file:
        for start, end in reversed(spans):
            file.seek(start)
            yield zstandard.ZstdDecompressor().decompressobj().decompress(file.read(end - start))


def _verified_market(request: Request, by_name: dict[str, Path]) -> Fetched:
    if list(by_name) != [instruments.NAME]:
        raise BadFile(f"expected {instruments.NAME}, and was given {', '.join(by_name) or 'nothing'}")
    path = by_name[instruments.NAME]
    frame = instruments.batch(path.name, path.read_bytes()).frame
    if frame["instrument_id"][0] != request.vendor_symbol:
        raise BadFile(f"{path.name} is of {frame['instrument_id'][0]}")
    return Fetched(path, path.name, f"file {path.name}")


def _name(timeframe: str | None) -> str:
    return f"trades{_SUFFIX}" if timeframe is None else f"candles-{timeframe}{_SUFFIX}"


def _timeframe(name: str) -> str | None:
    return name.removeprefix("candles-").removesuffix(_SUFFIX) if name.startswith("candles-") else None
