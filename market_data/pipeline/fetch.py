"""From the vendor to landing: bytes that are landed with a good hash are not fetched again."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from market_data.domain.ports.source import FetchContext, Fetched, LandedFile, Request
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed


def bring(workspace: Workspace, feed: Feed, request: Request, *, refetch: bool) -> tuple[tuple[LandedFile, ...], bool]:
    """Return the landed files of a request, and whether the vendor was asked for them.

    Raises:
        MarketDataError: as the source's `fetch`; PartitionBusy when another process fetches the same.
    """
    landing = workspace.landing
    if not refetch and (found := landing.find(request)) is not None:
        return found, False
    with landing.workdir(request) as folder:
        if not refetch and (found := landing.find(request)) is not None:  # landed while we waited for the folder
            return found, False
        fetched = workspace.source(feed).fetch(request, FetchContext(folder, _purse(workspace, feed, request)))
        landed = landing.land(request, fetched)
        landing.discard_workdir(request)
    return landed, True


def _purse(workspace: Workspace, feed: Feed, request: Request) -> Callable[[float, str], None]:
    spending, allowed = workspace.ledger.spending, workspace.allowance(feed)

    def spend(cost_usd: float, what: str) -> None:
        spending.enter(request.partition, request.table, workspace.run_id, cost_usd, what, allowed)

    return spend


def land(workspace: Workspace, feed: Feed, request: Request, files: Sequence[Path]) -> tuple[LandedFile, ...]:
    """Bring files that a user already has into landing, after the verification that fetched ones get.

    The user's files stay where they are.

    Raises:
        BadFile: a file is not what the request's would be; landing is untouched.
    """
    landing = workspace.landing
    verified = workspace.source(feed).verify(request, files)
    with landing.workdir(request) as folder:
        copies = [
            Fetched(Path(shutil.copy(file.path, folder / file.name)), file.name, file.origin) for file in verified
        ]
        landed = landing.land(request, copies)
        landing.discard_workdir(request)
    return landed
