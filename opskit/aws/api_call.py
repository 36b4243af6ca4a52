"""Sends one API call to AWS, for the reader (``client``) and the writer: reports it to the hook, waits for the rate
limiter, sends it once and translates its errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opskit.aws.errors import translate_error
from opskit.aws.notices import send_notice
from opskit.aws.pacing import RATES
from opskit.aws.partitions import service_region
from opskit.aws.write_access import check_write_access
from opskit.core.exceptions import OpskitError, Throttled

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession


def _no_call_hook(name: str, region: str) -> None:
    """The default hook: ignore the call."""


call_hook: Callable[[str, str], None] = _no_call_hook
"""Called with the name and Region of every call before it is sent; ``--verbose`` sets it."""


def note_call(name: str, region: str) -> None:
    """Report a call that is about to be sent; ``name`` as AWS writes it: ``sagemaker:StopTrainingJob``."""
    call_hook(name, region)


def send_call(
    session: AwsSession, region: str, service: str, operation: str, params: Mapping[str, Any], *, writes: bool
) -> dict[str, Any]:
    """Send one call once (service and operation as boto3 names them), within its rate. A streamed body is read to its
    end and returned as bytes.

    Raises:
        AwsError: AWS refused the call, or gave no response.
        OutcomeUnknown: the call ``writes``, and no response came or AWS failed: it may have taken effect.
    """
    if writes:
        check_write_access(operation)
    name = f"{service}:{pascal_case(operation)}"
    endpoint_region = service_region(service, region)
    limiter = session.rate_limiter(operation, endpoint_region)
    # A write relies on a read that must not grow old, so it waits for a documented rate only; its sender paces it.
    waits_for_slot = not writes or operation in RATES
    note_call(name, endpoint_region)
    slot = 0
    try:
        # The client is built before the limiter is asked: building the first one takes 0.3 s, which must not use up the
        # slot.
        call = getattr(session._boto3_clients.client(service, endpoint_region), operation)
        slot = limiter.acquire() if waits_for_slot else 0
        response = _invoke_operation(call, params)
        if hasattr(response.get("Body"), "read"):
            # Read here, where a stream that breaks off is an error of this call, which the reader may repeat.
            response["Body"] = bytes(response["Body"].read())
    # The client could not be built: credentials and Regions fail as opskit's own errors already.
    except OpskitError:
        raise
    except Exception as error:
        failure = translate_error(error, name, region, session.read_seconds, writes=writes, profile=session.profile)
        if isinstance(failure, Throttled) and waits_for_slot:
            limiter.slow_down(slot)
            send_notice(f"AWS throttles {name} in {endpoint_region}: opskit continues more slowly.")
        raise failure from error
    limiter.mark_accepted()
    return response


def _invoke_operation(call: Callable[..., dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """Call botocore. When its parser stumbles over a body, that is an unreadable response, not a bug."""
    from botocore.parsers import ResponseParserError

    try:
        return call(**params)
    except (LookupError, TypeError, AttributeError) as error:
        raise ResponseParserError(f"{type(error).__name__}: {error}") from error


def pascal_case(operation: str) -> str:
    """boto3's name of an operation as AWS writes it: ``DescribeEndpoint``."""
    # capitalize() lowers all but the first letter, so the words that AWS writes with more capitals are put right.
    return "".join(word.capitalize() for word in operation.split("_")).replace("Aws", "AWS").replace("AutoMl", "AutoML")
