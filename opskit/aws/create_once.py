"""Creates a resource with a unique name once. When the outcome is unknown, the resource is looked up; the create call
is never repeated.
"""

from __future__ import annotations

from collections.abc import Callable

from opskit.aws.errors import is_config_not_found
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OutcomeUnknown

# Seconds before each lookup of a resource whose create response was lost. SageMaker's reads lag behind its writes, so
# the
# first lookup comes after half a second, and the last one 3.5 s after the create.
_RETRY_SECONDS = (0.5, 1.0, 2.0)


def _ignore_recovery() -> None:
    """The default for ``on_recovered``: do nothing."""


def create_once(
    create: Callable[[], None],
    exists: Callable[[], bool],
    clock: Clock,
    on_recovered: Callable[[], None] = _ignore_recovery,
) -> None:
    """Create a resource. If AWS refuses or the response is lost, check whether it exists anyway, created by this call
    or by another opskit at the same moment: then that is success. ``on_recovered`` is called if the response was lost.

    Raises:
        AwsError: it does not exist; the error is AWS's refusal.
        OutcomeUnknown: whether it exists could not be found out.
    """
    try:
        create()
    except OutcomeUnknown as failure:
        if not any(_found_in_time(exists, clock, seconds) for seconds in _RETRY_SECONDS):
            raise failure
        on_recovered()
    except AwsError as failure:
        # Without a wait: what refused this call was there before it.
        if not _found_in_time(exists, clock, 0.0):
            raise failure


# CreateEndpoint reads the configuration from a copy that may lag behind CreateEndpointConfig; AWS's API reference
# recommends to repeat the call. Seconds were seen; after half a minute the configuration is really not there.
_CONFIG_LAG_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


def create_when_config_visible(create: Callable[[], None], exists: Callable[[], bool], clock: Clock) -> None:
    """Create an endpoint once, and again where AWS does not see its configuration yet: that refusal has made nothing.

    Raises:
        AwsError, OutcomeUnknown: as ``create_once``.
    """
    for seconds in _CONFIG_LAG_SECONDS:
        try:
            create_once(create, exists, clock)
        except AwsError as failure:
            if not is_config_not_found(failure):
                raise
            clock.sleep(seconds)
        else:
            return
    create_once(create, exists, clock)


def _found_in_time(exists: Callable[[], bool], clock: Clock, seconds: float) -> bool:
    clock.sleep(seconds)
    try:
        return exists()
    except AwsError:  # the lookup adds nothing: the caller raises the first error, which says more
        return False
