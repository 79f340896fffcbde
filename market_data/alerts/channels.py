"""One message through one channel: apprise, with limits on time and without secrets in what is said. No retries."""

import logging
import re
from contextvars import ContextVar
from urllib.parse import unquote

from pydantic import SecretStr

from market_data.domain.messages import Message

TIMEOUT_SECONDS = 20.0
_SHORTEST_SECRET, _LONGEST_ERROR = 4, 300
_QUIET = ("apprise", "urllib3", "requests_oauthlib", "oauthlib")
_address: ContextVar[SecretStr | None] = ContextVar("address", default=None)
"""Of the channel that is told at the moment; apprise hands the context on to its threads."""


def send(url: SecretStr, message: Message, timeout_seconds: float = TIMEOUT_SECONDS) -> str | None:
    """Send a message; None if it arrived, else why not, without any part of the URL.

    A channel never raises: alerts are told beside other work, which must go on. One that does not answer in time is
    counted as failed, though the message may still arrive.
    """
    _address.set(url)
    try:
        return _send(url, message, timeout_seconds)
    except Exception as error:  # its 183 plug-ins raise what they like; the reason is kept
        return without_secrets(f"{type(error).__name__}: {error}", url)


def scheme(url: SecretStr) -> str:
    """Return what may be shown of a channel's address: `slack`, `mailto`, ..."""
    found = re.match(r"[A-Za-z0-9+.-]{1,20}(?=://)", url.get_secret_value())
    return found[0].lower() if found else "?"


def without_secrets(text: str, url: SecretStr) -> str:
    """Return the text in one line, at most 300 characters, without any part of the URL that could be a secret."""
    rest = url.get_secret_value().rpartition("://")[2]
    parts = {part for piece in (rest, unquote(rest)) for part in re.split(r"[/:@?&=#,\s]+", piece)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, "***")
    return " ".join(text.split())[:_LONGEST_ERROR]


def _send(url: SecretStr, message: Message, timeout_seconds: float) -> str | None:
    import apprise

    _hush()
    asset = apprise.AppriseAsset(app_id="market-data", app_desc="market-data", service_timeout=timeout_seconds)
    service = apprise.Apprise.instantiate(url.get_secret_value(), asset=asset)
    if service is None:
        return "its address is no URL that apprise can use"
    channels = apprise.Apprise(asset=asset)
    channels.add(service)
    plain = apprise.NotifyFormat.TEXT
    result = channels.notify(message.text, message.title, notify_type=_kind(message), body_format=plain)
    if result:
        return None
    said = "; ".join(entry.message for entry in result.logs())
    if result.status is apprise.AppriseResultStatus.TIMEOUT:
        said = f"no answer within {timeout_seconds:g} s"
    return without_secrets(said or "it was not taken", url)


def _kind(message: Message) -> str:
    """Apprise's word, which decides the colour."""
    if message.is_good:
        return "success"
    return {"info": "info", "warning": "warning"}.get(message.severity, "failure")


def _hush() -> None:
    """Keep addresses out of the process's log.

    At level DEBUG apprise and urllib3 write them there in full, and apprise names a wrong token in its warnings. What
    it warns of is returned by `send`.
    """
    for name in _QUIET:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    logging.getLogger("apprise").propagate = False
    logging.getLogger("apprise").addFilter(_redacted)  # the same filter twice is one


def _redacted(record: logging.LogRecord) -> bool:
    url = _address.get()
    if url is not None:
        record.msg, record.args = without_secrets(record.getMessage(), url), ()
    return url is not None
