"""Checks SageMaker quotas, asks for increases, trains and deploys within them, and stops what is idle.

Python programs use ``opskit.guard``: it looks at each SageMaker call of the process before it is sent. Nothing is
loaded before a function is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opskit.guards.python import GuardWarning, ProcessGuard, RoomReport
    from opskit.guards.rules.call_refused import CallRefused as GuardRefused

__all__ = [
    "DISTRIBUTION",
    "GuardRefused",
    "GuardWarning",
    "__version__",
    "check_room",
    "costs",
    "guard",
    "guard_session",
    "unguard",
]

DISTRIBUTION = "sagemaker-opskit"
"""What pip calls opskit. The distribution `opskit` is another project's, with the same command and package folder."""

__version__ = "0.1.0"


def guard(  # noqa: PLR0913 - each is a word that people write
    max_usd: object = None,
    *,
    max_usd_hour: object = None,
    hours: object = 24,
    on_unknown: str = "refuse",
    first_look: bool = True,
    training: Mapping[str, int] | None = None,
    spot_training: Mapping[str, int] | None = None,
    transform: Mapping[str, int] | None = None,
    endpoint: Mapping[str, int] | None = None,
    processing: Mapping[str, int] | None = None,
    notebook: Mapping[str, int] | None = None,
) -> ProcessGuard:
    """From now on, look at every SageMaker call of this process that starts, enlarges or prolongs something, right
    before it is sent, and raise ``GuardRefused`` where quotas or the budget do not allow it.

    ``max_usd`` is the most that one call may cost, with the longest run time of its jobs; what has no end is held
    against ``max_usd_hour``, or else against ``max_usd`` over ``hours``. What cannot be judged is refused;
    ``on_unknown="warn"`` lets it through with a warning. Instances that are declared, as in
    ``training={"ml.m5.xlarge": 2}``, are judged at once.

    ``first_look=False`` leaves out the look at what may be read.

    It is also a context manager and a decorator. ``unguard`` ends it.

    Raises:
        UsageError: an argument is none.
        GuardRefused: the declared instances do not fit.
    """
    from opskit.core.model import Workload
    from opskit.guards.python import declared_of, start_guard

    declared = declared_of(
        {
            Workload.TRAINING: training,
            Workload.SPOT_TRAINING: spot_training,
            Workload.TRANSFORM: transform,
            Workload.ENDPOINT: endpoint,
            Workload.PROCESSING: processing,
            Workload.NOTEBOOK: notebook,
        }
    )
    return start_guard(
        max_usd,
        max_usd_hour=max_usd_hour,
        hours=hours,
        on_unknown=on_unknown,
        declared=declared,
        first_look=first_look,
    )


def guard_session(
    session: Any,
    max_usd: object = None,
    *,
    max_usd_hour: object = None,
    hours: object = 24,
    on_unknown: str = "refuse",
) -> ProcessGuard:
    """Look only at the calls of one session: of boto3's, or of the SageMaker SDK's. Clients that it has made already
    are covered. The rest is as in ``guard``; ``stop`` of what is returned ends it.

    Raises:
        UsageError: an argument is none.
    """
    from opskit.guards.python import boto3_session_of, start_guard

    made = boto3_session_of(session)
    return start_guard(max_usd, max_usd_hour=max_usd_hour, hours=hours, on_unknown=on_unknown, session=made)


def check_room(  # noqa: PLR0913 - each is a word that people write
    *,
    training: Mapping[str, int] | None = None,
    spot_training: Mapping[str, int] | None = None,
    transform: Mapping[str, int] | None = None,
    endpoint: Mapping[str, int] | None = None,
    processing: Mapping[str, int] | None = None,
    notebook: Mapping[str, int] | None = None,
    max_usd: object = None,
    hours: object = None,
    session: Any = None,
) -> RoomReport:
    """Whether quotas and a budget allow instances, as in ``training={"ml.m5.xlarge": 2}``, right now. ``max_usd`` takes
    ``hours``; ``session`` is boto3's, None: the default credentials.

    Raises:
        UsageError: an argument is none.
        AwsError: there are no valid credentials.
    """
    from opskit.core.model import Workload
    from opskit.guards.python import boto3_session_of, declared_of, report_room

    declared = declared_of(
        {
            Workload.TRAINING: training,
            Workload.SPOT_TRAINING: spot_training,
            Workload.TRANSFORM: transform,
            Workload.ENDPOINT: endpoint,
            Workload.PROCESSING: processing,
            Workload.NOTEBOOK: notebook,
        }
    )
    return report_room(declared, max_usd, hours, None if session is None else boto3_session_of(session))


def costs(
    *, regions: Sequence[str] = (), by: str | None = None, profile: str | None = None, cloudtrail: bool = True
) -> dict[str, Any]:
    """What bills in SageMaker right now, as ``opskit costs -o json`` prints it in ``data``: ``items``, ``totals``,
    ``month`` and, with ``by`` (``"owner"``, ``"kind"``, ``"region"``, ``"account"``, ``"tag:KEY"``), ``groups``. Where
    not everything could be read ``errors`` says why. ``regions`` may be ``["all"]``; empty: the default Region.

    Raises:
        UsageError: an argument is none.
        AwsError: there are no valid credentials.
    """
    from opskit.bills.python import current_costs

    return current_costs(regions, by, profile, cloudtrail=cloudtrail)


def unguard() -> None:
    """End ``guard``: no call is looked at any more, but for those in ``with`` blocks and of guarded sessions."""
    from opskit.guards.python import stop_guards

    stop_guards()


def __getattr__(name: str) -> Any:
    """The exceptions and warnings, which are loaded when first asked for."""
    if name == "GuardRefused":
        from opskit.guards.rules.call_refused import CallRefused

        return CallRefused
    if name == "GuardWarning":
        from opskit.guards.python import GuardWarning

        return GuardWarning
    raise AttributeError(f"module 'opskit' has no attribute '{name}'")


def __dir__() -> list[str]:
    """With the exceptions and warnings, which are not loaded yet."""
    return sorted({*globals(), *__all__})
