"""A page as a line of newline JSON: what was asked, and the answer's text as it came. No I/O."""

import json

from market_data.domain.errors import BadFile
from market_data.sources.ccxt.pages import Call

_HEAD, _BETWEEN, _END = '{"request": ', ', "response": ', "}\n"


def line(call: Call, url: str, text: str) -> bytes:
    """Return one line. Line ends can only stand between the tokens of JSON, where a blank means the same."""
    request = {"call": call.method, "method": "GET", "url": url, "params": call.params}
    answer = text.strip().replace("\r", " ").replace("\n", " ")
    return f"{_HEAD}{json.dumps(request)}{_BETWEEN}{answer}{_END}".encode()


def read(page: bytes) -> tuple[Call, str]:
    """Return what `line` was given: the call and the answer's text.

    Raises:
        BadFile: it is no such line.
    """
    try:
        text = page.decode()
        request, end = json.JSONDecoder().raw_decode(text, len(_HEAD))
        call = Call(str(request["call"]), dict(request["params"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(f"has a line that is no page of a fetch: {error}") from None
    if not (text.startswith(_HEAD) and text.startswith(_BETWEEN, end) and text.endswith(_END)):
        raise BadFile("has a line that is no page of a fetch")
    return call, text[end + len(_BETWEEN) : -len(_END)]
