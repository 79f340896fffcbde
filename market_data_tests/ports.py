"""Free ports of loopback for tests: from 20000 to 32000, since those above are taken for outgoing connections."""

import random
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")


def bound(bind: Callable[[int], _T]) -> _T:
    """What `bind` makes of a free port; it raises `OSError` where the port is taken."""
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError):
            return bind(port)
    raise RuntimeError("no free port from 20000 to 32000")


def free_port() -> int:
    """One that nobody listens on, for a process that opens it by itself."""
    with bound(lambda port: socket.create_server(("127.0.0.1", port))) as server:
        return server.getsockname()[1]
