"""Send a start, and see that it took.

AWS answers some starts with success that then do not take, and those that did it shows only after some seconds. So a
start is done when the notebook instance was seen to leave Stopped, and one that did not take is sent once more. One
whose answer was lost is looked for and never repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opskit.aws.client import AwsClient
from opskit.aws.pacing import AdaptivePacer, send_until_accepted
from opskit.aws.polling import read_after_pauses
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OutcomeUnknown
from opskit.core.model import Notebook
from opskit.notebooks.changes import notebooks as changes
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.enums import NotebookAction
from opskit.notebooks.rules.start import StartOutcome, start_progress
from opskit.state.journal import mark_done

FIRST_PAUSES_SECONDS = (0.0, 0.5, 0.5, 1.0, 2.0, 3.0, 3.0)
"""Before each look after the first start: AWS shows most starts at once, and is known to take some seconds."""

LAST_PAUSES_SECONDS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0)
"""The same after the second one, after which there is none."""

# How AWS's refusal begins where the status does not allow a start: then a start may have taken that does not show.
_WRONG_STATUS = "Status ("


class StartNotTaken(OutcomeUnknown):
    """AWS answered a start with success, and nothing of it shows: ``since`` is what was seen then."""

    def __init__(self, name: str, region: str, since: str) -> None:
        hint = f"`opskit notebook list` shows it; `opskit notebook start {name}` tries again."
        super().__init__("start-not-taken", f"AWS accepted the start of {name}, {since}.", hint, region=region)


@dataclass
class _StartRequest:
    """A start on its way. ``seen`` is what the last look found, at first the one ``before``; None: AWS does not know
    it. ``unread`` is why the last look failed; None: it did not.
    """

    client: AwsClient
    name: str
    before: Notebook
    clock: Clock
    pace: AdaptivePacer
    seen: Notebook | None = field(init=False)
    unread: AwsError | None = None

    def __post_init__(self) -> None:
        self.seen = self.before

    def is_visible(self) -> bool:
        """Look once: whether a start shows.

        Raises:
            AwsError: it could not be looked at.
        """
        self.seen = read_notebook(self.client, self.name)
        return start_progress(self.before, self.seen).is_visible

    def becomes_visible(self, pauses_seconds: Sequence[float]) -> bool:
        """Look after each pause until a start shows; False: none has."""
        return any(read_after_pauses(self._is_seen, self.clock, pauses_seconds))

    def _is_seen(self) -> bool:
        self.unread = None
        try:
            return self.is_visible()
        except AwsError as failure:  # the next look may succeed; the last one's failure is told
            self.unread = failure
            return False

    def reported_status(self) -> str:
        """What the last look found."""
        if self.unread:
            return f"how it is could not be read: {self.unread.problem.message.rstrip('.')}"
        return f"AWS still says {self.seen.status}" if self.seen else "AWS does not know it"


def send_start(
    client: AwsClient, name: str, before: Notebook, clock: Clock, pace: AdaptivePacer
) -> tuple[StartOutcome, Notebook | None]:
    """Start what was seen to be startable ``before``: what became of it, and how it was seen last.

    Raises:
        OutcomeUnknown: it was not seen to leave Stopped: the answer was lost, or two starts did not take.
        AwsError: AWS refused.
    """
    request = _StartRequest(client, name, before, clock, pace)
    try:
        outcome = _send_and_watch(request, FIRST_PAUSES_SECONDS, repeated=False)
    except StartNotTaken:
        outcome = _send_and_watch(request, LAST_PAUSES_SECONDS, repeated=True)
    return outcome, request.seen


def _send_and_watch(request: _StartRequest, pauses_seconds: Sequence[float], *, repeated: bool) -> StartOutcome:
    """Send it once and look until it shows."""
    try:
        # The look belongs to the change: the journal has it as done only then.
        with changes.prepare_start(request.client, request.name) as intent:

            def attempt() -> None:
                # AWS's throttling takes time, in which somebody else may have started it: then it is looked at again
                # first.
                if (repeated or request.pace.was_throttled) and not _may_send(request):
                    intent.error = "it is starting already"
                    return
                intent.send_change()

            send_until_accepted(request.pace, attempt)
            if not intent.is_sent:
                return start_progress(request.before, request.seen).outcome if repeated else StartOutcome.ALREADY
            if not request.becomes_visible(pauses_seconds):
                since = f"and {sum(pauses_seconds):.0f} s later {request.reported_status()}"
                raise StartNotTaken(request.name, request.client.region, since)
    except StartNotTaken:
        raise
    except OutcomeUnknown:
        if not request.becomes_visible(pauses_seconds):
            raise
        # The answer was lost, and the journal has it as unknown: what was seen since decides.
        mark_done(request.client, NotebookAction.START, request.name, "it comes up")
    except AwsError as failure:
        _accept_if_started(request, failure, repeated=repeated)
    return start_progress(request.before, request.seen).outcome


def _may_send(request: _StartRequest) -> bool:
    """Whether no start shows, by a look made now.

    Raises:
        AwsError: it could not be looked at.
    """
    return not request.is_visible()


def _accept_if_started(request: _StartRequest, failure: AwsError, *, repeated: bool) -> None:
    """Where AWS refuses a start because of the status, another start has taken, which shows after some seconds at most.

    Raises:
        StartNotTaken: nothing shows, of this one that was refused or of the one before, which was not.
        AwsError: nothing shows; as AWS refused it.
    """
    # A refusal because of the status means that another start has taken; any other is looked at once.
    pauses = FIRST_PAUSES_SECONDS if failure.aws_message.startswith(_WRONG_STATUS) else FIRST_PAUSES_SECONDS[:1]
    if request.becomes_visible(pauses):
        return
    if repeated:
        since = f"{request.reported_status()}, and a second start was refused: {failure.problem.message.rstrip('.')}"
        raise StartNotTaken(request.name, request.client.region, since) from failure
    raise failure
