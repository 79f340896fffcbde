"""What a loopback vendor can do wrong, whichever protocol it speaks. No vendor stands here."""

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event


class FaultyHandler(BaseHTTPRequestHandler):
    """A request handler that faults can take over. `closing` is set when the server leaves."""

    disable_nagle_algorithm = True  # a body that waits for the head's acknowledgement costs 40 ms a request
    closing: Event


@dataclass
class Answer:
    """What would be sent; a fault changes it before it is. Status 0: not even a head; a header "" is left out."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])
    send: Callable[[FaultyHandler, bytes], None] | None = None


Fault = Callable[[Answer], None]


def body(content: bytes) -> Fault:
    """Answers 200 with other bytes than the file's."""

    def fault(answer: Answer) -> None:
        answer.status, answer.body = 200, content

    return fault


def status(code: int, content: bytes = b"<html>no</html>", **headers: str) -> Fault:
    """Answers with that status; `retry_after="1"` and the like become headers."""

    def fault(answer: Answer) -> None:
        answer.status, answer.body = code, content
        answer.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}

    return fault


def drop_header(name: str) -> Fault:
    """Leaves out a header, such as `ETag`."""

    def fault(answer: Answer) -> None:
        answer.headers.pop(name, None)

    return fault


def together(*faults: Fault) -> Fault:
    """All of them, one after the other."""

    def fault(answer: Answer) -> None:
        for each in faults:
            each(answer)

    return fault


def cut_off(after: int, announced: bool = True) -> Fault:
    """Sends so many bytes and hangs up, having announced all of them, or no length at all."""

    def fault(answer: Answer) -> None:
        if not announced:
            answer.headers["Content-Length"] = ""
        answer.send = lambda handler, content: send_and_leave(handler, content[:after])

    return fault


def reset(after: int = 0) -> Fault:
    """Sends so many bytes of the body, then resets the connection (RST)."""

    def fault(answer: Answer) -> None:
        answer.send = lambda handler, content: _reset(handler, content[:after])

    return fault


def stall(after: int = 0) -> Fault:
    """Sends so many bytes of the body, then nothing until the client or the server leaves."""

    def fault(answer: Answer) -> None:
        def send(handler: FaultyHandler, content: bytes) -> None:
            send_and_leave(handler, content[:after])
            handler.closing.wait(60)

        answer.send = send

    return fault


def send_and_leave(handler: FaultyHandler, content: bytes) -> None:
    handler.close_connection = True
    handler.wfile.write(content)
    handler.wfile.flush()


def _reset(handler: FaultyHandler, content: bytes) -> None:
    send_and_leave(handler, content)
    time.sleep(0.05)  # what was sent arrives first: a reset may overtake it
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
