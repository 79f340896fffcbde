"""One fetched table of one partition, from the vendor to the warehouse."""

import dataclasses
import time
from collections.abc import Iterator

from market_data.domain.account import Account
from market_data.domain.contract import contract
from market_data.domain.errors import ConfigurationError
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, Delivery, LandedFile, Request
from market_data.domain.rules import Amendments
from market_data.pipeline.configuration import code_version, of_fetched
from market_data.pipeline.fetch import bring
from market_data.pipeline.intake import Intake
from market_data.pipeline.quarantine import set_aside
from market_data.pipeline.workspace import Outcome, Workspace, landed_inputs
from market_data.settings import Feed
from market_data.warehouse.store import Origin


def ingest(
    workspace: Workspace,
    feed: Feed,
    table: str,
    partition: Partition,
    *,
    refetch: bool = False,
    landed: tuple[LandedFile, ...] | None = None,
) -> Outcome:
    """Land (unless landed), decode, judge, put in order and replace.

    Records that broke the contract are in quarantine before the table is replaced, so that a crash between the two
    loses none of them; the next run makes both agree.

    Args:
        refetch: ask the vendor again although its bytes are landed.
        landed: replay these landed files, and ask no vendor whatever happens.

    Raises:
        MarketDataError: as the source's `fetch` and `decode`; the partition is then what it was.
    """
    began = time.monotonic()
    request = feed.request(table, partition)
    source = workspace.source(feed)
    delivery = source.delivery(table)
    amendments = _amendments(workspace, feed, request, delivery)
    files, fetched = (landed, False) if landed else bring(workspace, feed, request, refetch=refetch)
    brought = time.monotonic()
    said = {**source.notes(request, files), **amendments.notes}
    origin = Origin(
        feed.source,
        code_version(workspace, feed, table),
        workspace.run_id,
        landed_inputs(files),
        said,
        began,
        of_fetched(feed, table, partition.symbol),
    )

    def batches() -> Iterator[Batch]:
        return source.decode(request, files)

    store = workspace.warehouse
    with (
        store.stage(table, partition, delivery.schema, delivery.clock) as staged,
        store.stage(table, partition, delivery.schema, delivery.clock) as ordered,
    ):
        intake = Intake(table, partition, delivery, staged, amendments)
        for batch in batches():
            intake.take(batch)
        whole, account = intake.finish(batches(), into=ordered)
        account = _with_expected(account, workspace, feed, request, files)
        set_aside(workspace, partition, table, intake.rejected, origin)
        revision, changed = whole.commit(account, origin)
    return Outcome(table, revision, changed, fetched, files, time.monotonic() - began, brought - began)


def _amendments(workspace: Workspace, feed: Feed, request: Request, delivery: Delivery) -> Amendments:
    """Return the feed's changes of the table's rules, found to fit before anything is fetched."""
    amendments = feed.amendments(request.table)
    try:
        contract(delivery.schema, request.partition.date, delivery.clock, amendments)
    except ConfigurationError as error:
        where = f"{workspace.settings.config_path}: feeds.{feed.name}.rules.{request.table}"
        raise ConfigurationError(f"{where}: {error}") from error
    return amendments


def _with_expected(
    account: Account, workspace: Workspace, feed: Feed, request: Request, files: tuple[LandedFile, ...]
) -> Account:
    return dataclasses.replace(account, expected=workspace.source(feed).expected(request, files))
