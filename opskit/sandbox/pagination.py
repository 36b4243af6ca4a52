"""Pages with AWS's opaque tokens: whoever wants page three has to have asked for page two."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any, TypeVar

from opskit.sandbox.errors import ApiError
from opskit.sandbox.state import ApiCall

# New in every process: no token of another sandbox is any good.
_SECRET = secrets.token_bytes(16)
_SEAL_BYTES = 16
# NextToken and MaxResults, which some services spell nextToken and maxResults.
_TOKEN_PARAM = "nexttoken"
_SIZE_PARAM = "maxresults"
_Item = TypeVar("_Item")


def cut_page(
    call: ApiCall, items: Sequence[_Item], page_size: int, token_error: ApiError
) -> tuple[list[_Item], str | None]:
    """The items of the page that a call asks for and the token of the next, None on the last page.

    ``page_size`` is the size where the call names none.

    Raises:
        ApiError: ``token_error``, where the token is forged, or belongs to another operation, account, Region or
            filter.
    """
    params = {name.lower(): value for name, value in call.params.items()}
    token = params.get(_TOKEN_PARAM)
    start = _token_start(call, token) if token else 0
    if start is None:
        raise token_error
    end = start + params.get(_SIZE_PARAM, page_size)
    return list(items[start:end]), _make_token(call, end) if end < len(items) else None


def _make_token(call: ApiCall, start: int) -> str:
    text = str(start).encode()
    return base64.b64encode(_sign_offset(call, text) + text).decode()


def _token_start(call: ApiCall, token: str) -> int | None:
    """Where the page of a token starts; None where this sandbox did not give it out for this very question."""
    try:
        raw = base64.b64decode(token, validate=True)
    except ValueError:
        return None
    seal, text = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    return int(text) if hmac.compare_digest(seal, _sign_offset(call, text)) else None


def _sign_offset(call: ApiCall, text: bytes) -> bytes:
    # The size of a page may change on the way, as with AWS; all else that was asked is part of the token.
    question = json.dumps(
        [call.account_region.account, call.account_region.region, call.operation, _filter_params(call)], sort_keys=True
    )
    return hmac.digest(_SECRET, question.encode() + b"\0" + text, hashlib.sha256)[:_SEAL_BYTES]


def _filter_params(call: ApiCall) -> dict[str, Any]:
    return {name: value for name, value in call.params.items() if name.lower() not in (_TOKEN_PARAM, _SIZE_PARAM)}
