"""From the vendor to landing: bytes that are landed with a good hash are not fetched again."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from market_data.domain.ports.source import Fetched, LandedFile, Request
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed


def bring(workspace: Workspace, feed: Feed, request: Request, *, refetch: bool) -> tuple[tuple[LandedFile, ...], bool]:
    """The landed files of a request, and whether the vendor was asked for them.

    Raises:
        MarketDataError: as the source's `fetch`; PartitionBusy when another process fetches the same.
    """
    landing = workspace.landing
    if not refetch and (found := landing.find(request)) is not None:
        return found, False
    with landing.workdir(request) as folder:
        if not refetch and (found := landing.find(request)) is not None:  # landed while we waited for the folder
            return found, False
        fetched = workspace.source(feed).fetch(request, folder)
        landed = landing.land(request, fetched)
        landing.discard_workdir(request)
    return landed, True


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
