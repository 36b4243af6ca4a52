"""How many connections a look at notebooks holds: some to AWS, more to Jupyters, never more than 16 in all."""

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
"""Threads that keep every connection busy; those too many wait for one."""

# At once. Each holds two connections to AWS and four to its Jupyter, so that nothing it reads waits for another
# answer; changes are sent so slowly that more would only wait.
_LAST_LOOKS = 2
# For the keys to Jupyters, and for what AWS says afterwards.
_TO_AWS_BESIDE = 1
# To enter the next Jupyters. The last of the 16 is the journal's, which asks AWS who we are.
_ENTERING = 2
# Looks inside, each with one connection, in the place of one last look. Each takes four seconds and more, so as many go
# on side by side as there are connections; whoever enters takes one of these.
_INSIDE = 8


class ConnectionBudget:
    """Lets callers through to AWS and to Jupyters, a limited number at once.

    boto3 keeps a connection open after a call, for each Region. So the connections to AWS are shared out among the
    Regions; where there are more Regions than connections, each call closes its own. ``jupyter_slots`` are the
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
    """The same for the changes in one Region, each of which comes right after a last look. ``inside`` says whether
    there are looks inside as well. Entering one of the slots (``with``) waits until one is free: ``aws_slots`` for one
    call to AWS, ``jupyter_slots`` to enter a Jupyter, ``inside_slots`` to look inside, ``recheck_slots`` for all that a
    last look needs, and the change after it.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self.aws_slots = BoundedSemaphore(_TO_AWS_BESIDE)
        self.inside_slots = BoundedSemaphore(_INSIDE)
        self.jupyter_slots = self.inside_slots if inside else BoundedSemaphore(_ENTERING)
        self.recheck_slots = BoundedSemaphore(_LAST_LOOKS - 1 if inside else _LAST_LOOKS)
