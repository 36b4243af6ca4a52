"""Pages with AWS's opaque tokens: whoever wants page three has to have asked for page two."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any, TypeVar

from opskit.sandbox.state import ApiCall

# New in every process: no token of another sandbox is any good.
_SECRET = secrets.token_bytes(16)
_Item = TypeVar("_Item")


class InvalidToken(ValueError):
    """A NextToken that this sandbox did not give out for this very question."""


def cut_page(call: ApiCall, items: Sequence[_Item], size: int, token: str | None) -> tuple[list[_Item], str | None]:
    """The items of the page that ``token`` names and the token of the next, None on the last page.

    Raises:
        InvalidToken: the token is forged, or belongs to another operation, account, Region or filter.
    """
    start = _token_start(call, token) if token else 0
    after = start + size
    return list(items[start:after]), _make_token(call, after) if after < len(items) else None


def _make_token(call: ApiCall, start: int) -> str:
    text = str(start).encode()
    return base64.b64encode(_sign_offset(call, text) + text).decode()


def _token_start(call: ApiCall, token: str) -> int:
    try:
        raw = base64.b64decode(token, validate=True)
    except ValueError as error:
        raise InvalidToken(token) from error
    seal, text = raw[:16], raw[16:]
    if not hmac.compare_digest(seal, _sign_offset(call, text)):
        raise InvalidToken(token)
    return int(text)


def _sign_offset(call: ApiCall, text: bytes) -> bytes:
    # The size of a page may change on the way, as with AWS; all else that was asked is part of the token.
    question = json.dumps(
        [call.account_region.account, call.account_region.region, call.operation, _filter_params(call)], sort_keys=True
    )
    return hmac.digest(_SECRET, question.encode() + b"\0" + text, hashlib.sha256)[:16]


def _filter_params(call: ApiCall) -> dict[str, Any]:
    return {name: value for name, value in call.params.items() if name.lower() not in ("nexttoken", "maxresults")}
