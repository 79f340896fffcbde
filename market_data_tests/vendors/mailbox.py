"""A mail server on loopback: real SMTP (aiosmtpd), which keeps what it takes. `with Mailbox() as box: box.url`."""

from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from pydantic import SecretStr

from market_data_tests.ports import bound


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
        self._controller = bound(self._started)
        return self

    def _started(self, port: int) -> Controller:
        controller = Controller(self, hostname="127.0.0.1", port=port)
        controller.start()
        return controller

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
