"""The exception that a call of Python's meets when the guard does not let it be sent."""

from __future__ import annotations

from opskit.core.exceptions import GuardRefused
from opskit.guards.rules.call_verdict import CallVerdict, Outcome, refusal_hint, refusal_text

_CODES = {Outcome.REFUSED: "guard-refused", Outcome.UNKNOWN: "guard-unknown", Outcome.FITS: "guard-refused"}


class CallRefused(GuardRefused):
    """A call was not sent: there is no room for it, it is over budget, or it cannot be judged. ``verdict`` says all
    that was found.
    """

    def __init__(self, verdict: CallVerdict) -> None:
        super().__init__(_CODES[verdict.outcome], refusal_text(verdict), refusal_hint(verdict), region=verdict.region)
        self.verdict = verdict

    def __str__(self) -> str:
        return f"{self.problem.message}\n{self.problem.hint}"

    def __reduce__(self) -> tuple[type[CallRefused], tuple[CallVerdict]]:
        """As process pools need it, which hand exceptions from process to process."""
        return type(self), (self.verdict,)

    def _render_traceback_(self) -> list[str]:
        """What IPython and Jupyter show."""
        # Found by name by IPython, which else prints thirty frames of botocore's before the reasons.
        return [f"GuardRefused: {line}" if not index else line for index, line in enumerate(str(self).splitlines())]

    def _repr_markdown_(self) -> str:
        """What Jupyter shows of the exception as a value."""
        first, *rest = self.problem.message.splitlines()
        lines = [line.strip() if line.startswith("  - ") else f"\n{line}" for line in rest]
        return "\n".join([f"**{first}**", "", *lines, "", self.problem.hint])


# Under the name by which programs know it, in tracebacks and in pickles.
CallRefused.__module__, CallRefused.__name__, CallRefused.__qualname__ = "opskit", "GuardRefused", "GuardRefused"
