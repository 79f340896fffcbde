"""A mail server on loopback: real SMTP (aiosmtpd), which keeps what it takes. `with Mailbox() as box: box.url`."""

import random
from contextlib import suppress
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from pydantic import SecretStr


class Mailbox:
    """The server. `mails` is what it accepted."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    @property
    def url(self) -> SecretStr:
        """Its address, as apprise writes it."""
        return SecretStr(f"mailto://127.0.0.1:{self._controller.port}/?from=robot@example.com&to=ops@example.com")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd calls it so
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def __enter__(self) -> Self:
        for port in random.sample(range(20_000, 32_000), 100):
            with suppress(OSError):
                self._controller = Controller(self, hostname="127.0.0.1", port=port)
                self._controller.start()
                return self
        raise RuntimeError("no free port from 20000 to 32000")

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
