"""One call as it goes to AWS, for the reader (``client``) and the writer: told to who listens, in its pace, sent once,
its errors in the user's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opskit.aws.boto3_clients import GLOBAL_SERVICE_REGIONS
from opskit.aws.errors import translated

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession


def _no_call_hook(name: str, region: str) -> None:
    """The listener when nobody listens."""


call_hook: Callable[[str, str], None] = _no_call_hook
"""Told of every call by name and Region, before it goes; ``--verbose`` listens here."""


def note_call(name: str, region: str) -> None:
    """Tell who listens of a call that is about to go; ``name`` as AWS writes it: ``sagemaker:StopTrainingJob``."""
    call_hook(name, region)


def send_call(
    session: AwsSession, region: str, service: str, operation: str, params: Mapping[str, Any], *, writes: bool
) -> dict[str, Any]:
    """Send one call once (boto3's names), in its pace. A stream in the answer is read to its end, as bytes.

    Raises:
        AwsError: AWS said no, or did not answer.
        OutcomeUnknown: it ``writes``, and no answer came or AWS failed: it may have taken effect.
    """
    name = f"{service}:{pascal_case(operation)}"
    where = GLOBAL_SERVICE_REGIONS.get(service, region)
    note_call(name, where)
    try:
        call = getattr(session._boto3_clients.client(service, where), operation)
        if limiter := session.rate_limiter(operation, where):
            limiter.acquire()
        answer = _invoke_operation(call, params)
        if hasattr(answer.get("Body"), "read"):
            # Read here, where a stream that breaks off is an error of this call and can be asked for anew.
            answer["Body"] = bytes(answer["Body"].read())
    except Exception as error:
        raise translated(error, name, region, session.read_seconds, writes=writes) from error
    return answer


def _invoke_operation(call: Callable[..., dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """A call's answer; botocore stumbling over it is an answer that is not AWS's."""
    from botocore.parsers import ResponseParserError

    try:
        return call(**params)
    except (LookupError, TypeError, AttributeError) as error:
        raise ResponseParserError(f"{type(error).__name__}: {error}") from error


def pascal_case(operation: str) -> str:
    """boto3's name of an operation as AWS writes it: ``DescribeEndpoint``."""
    return "".join(word.capitalize() for word in operation.split("_")).replace("Aws", "AWS")
