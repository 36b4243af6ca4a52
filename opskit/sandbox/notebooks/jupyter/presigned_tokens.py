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
class Ticket:
    """What one authToken allows: one opening before ``until`` (epoch seconds), for ``session_seconds``."""

    number: str
    until: float
    session_seconds: int


class Tickets:
    """Issues tickets, and takes each of them once."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._used: set[str] = set()

    def issue(self, now: datetime, session_seconds: int) -> str:
        """The authToken of a new ticket that is valid from ``now`` on for five minutes."""
        ticket = Ticket(secrets.token_hex(8), (now + VALID_FOR).timestamp(), session_seconds)
        body = urlsafe_b64encode(json.dumps(asdict(ticket)).encode()).decode()
        return f"{body}.{self._signature(body)}"

    def take(self, token: str, now: datetime) -> Ticket | None:
        """The ticket behind ``token``, or None where it is not ours, too late, or was taken before."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return None
        ticket = Ticket(**json.loads(urlsafe_b64decode(body)))
        if ticket.number in self._used or now.timestamp() > ticket.until:
            return None
        self._used.add(ticket.number)
        return ticket

    def _signature(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), "sha256").hexdigest()
