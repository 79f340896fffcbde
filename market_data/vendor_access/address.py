"""A vendor's address in a feed's options. Configuration only: light enough to be imported at every start."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _checked(value: str, *schemes: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        known = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"must be an address that begins with {known}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must have no user, password, '?' or '#' in it")
    return value.rstrip("/")


Address = Annotated[str, AfterValidator(lambda value: _checked(value, "http", "https"))]
HttpsAddress = Annotated[str, AfterValidator(lambda value: _checked(value, "https"))]
