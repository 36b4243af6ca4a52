"""Limits the connections that reading notebooks uses: some to AWS, more to Jupyters, never more than 16 in all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from opskit.aws.client import AwsClient

# Sixteen together, the size of a client's pool (aws/pacing.py): these to AWS, those below to Jupyters.
_AWS_SLOTS = 5
# An idle Jupyter is asked five times where AWS is asked twice about it, a busy one as much as AWS.
_JUPYTER_SLOTS = 11

MAX_WORKERS = _AWS_SLOTS + _JUPYTER_SLOTS + 4
"""Enough threads to keep every connection busy; the additional ones wait for a slot."""

# Concurrent rechecks. Each holds two connections to AWS and four to its Jupyter, so that none of its reads waits for
# another; changes are sent so slowly that more rechecks would only wait.
_RECHECKS = 2
# For presigned URLs, and for reads after the change.
_RECHECK_AWS_SLOTS = 1
# To authenticate to the next Jupyters. The last of the 16 is for the journal, which reads the caller's identity.
_ENTERING_SLOTS = 2
# Inspections from inside, each with one connection, instead of one of the rechecks. Each takes at least four seconds,
# so they use all connections concurrently; authenticating to a Jupyter takes one of these slots too.
_INSIDE_SLOTS = 8


class ConnectionBudget:
    """Limits the concurrent connections to AWS and to Jupyters.

    boto3 keeps a connection open after a call, for each Region. So the connections to AWS are divided among the
    Regions; if there are more Regions than connections, each call closes its own. ``jupyter_slots`` are the
    connections to Jupyters, eleven in all; entering one (``with``) waits until one is free.
    """

    def __init__(self, clients: Iterable[AwsClient]) -> None:
        regions = {client.region for client in clients}
        self._closes_each = len(regions) > _AWS_SLOTS
        self._aws = BoundedSemaphore(_AWS_SLOTS)
        self._of = {region: BoundedSemaphore(max(1, _AWS_SLOTS // len(regions))) for region in regions}
        self.jupyter_slots = BoundedSemaphore(_JUPYTER_SLOTS)

    @contextmanager
    def aws_slot(self, client: AwsClient) -> Iterator[None]:
        """Hold a connection to AWS in the client's Region, of five in all; waits until one is free."""
        with self._of[client.region], self._aws:
            try:
                yield
            finally:
                if self._closes_each:
                    client.session.close_idle_connections(client.region)


class RecheckBudget:
    """The limits for the changes in one Region, each of which follows a recheck. ``inside`` says whether instances are
    inspected from inside too. Entering one of the slots (``with``) waits until one is free: ``aws_slots`` for one call
    to AWS, ``jupyter_slots`` to authenticate to a Jupyter, ``inside_slots`` to inspect an instance, ``recheck_slots``
    for everything that a recheck needs and the change after it.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self.aws_slots = BoundedSemaphore(_RECHECK_AWS_SLOTS)
        self.inside_slots = BoundedSemaphore(_INSIDE_SLOTS)
        self.jupyter_slots = self.inside_slots if inside else BoundedSemaphore(_ENTERING_SLOTS)
        self.recheck_slots = BoundedSemaphore(_RECHECKS - 1 if inside else _RECHECKS)
