"""The authToken of a presigned URL: made by the sandbox, honoured once by the notebook's Jupyter.

Both know one secret, so the two processes need no talk about tokens; a restarted notebook has a new secret, so
the URLs of its last life open nothing.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

VALID_FOR = timedelta(minutes=5)
"""How long AWS's presigned URL can be opened after it was made."""


@dataclass(frozen=True)
class PresignedToken:
    """What one authToken allows: one opening before ``until`` (epoch seconds), for ``session_seconds``."""

    token_id: str
    expires_at: float
    session_seconds: int


class PresignedTokens:
    """Issues tokens, and redeems each of them once."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._used: set[str] = set()

    def issue_token(self, now: datetime, session_seconds: int) -> str:
        """The authToken that is valid from ``now`` on for five minutes."""
        presigned = PresignedToken(secrets.token_hex(8), (now + VALID_FOR).timestamp(), session_seconds)
        body = urlsafe_b64encode(json.dumps(asdict(presigned)).encode()).decode()
        return f"{body}.{self._sign_body(body)}"

    def redeem_token(self, token: str, now: datetime) -> PresignedToken | None:
        """What ``token`` allows; None where it is forged, expired or was used before."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign_body(body).encode()):
            return None
        presigned = PresignedToken(**json.loads(urlsafe_b64decode(body)))
        if presigned.token_id in self._used or now.timestamp() > presigned.expires_at:
            return None
        self._used.add(presigned.token_id)
        return presigned

    def _sign_body(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), "sha256").hexdigest()
