"""Sends one API call to AWS, for the reader (``client``) and the writer: checks who may write, reports the call to the
hook, waits for the rate limiter, sends it once and translates its errors.

Only a feature's ``changes`` may write to an account, and ``opskit.state`` the items of opskit's own table. The caller
is looked up when a write is made, on the stack, because no reading of the source sees a writer that was handed on. Each
client of opskit's boto3 sessions looks too, since a client or a session that got out would need no writer.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opskit.aws.errors import translate_error
from opskit.aws.pacing import RATES
from opskit.aws.partitions import service_region
from opskit.core.exceptions import OpskitError, Throttled
from opskit.core.run_problems import send_notice

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession


READ_VERBS = (
    "get_",
    "list_",
    "describe_",
    "lookup_",
    "query",
    "scan",
    "search",
    "head_",
    "filter_",
    "simulate_",
    "download_",
    "invoke_endpoint",
    "create_presigned_",  # a URL to read with; it changes nothing
    "start_quota_utilization_report",  # what it starts can only be read, and AWS deletes it after 15 minutes
)


def is_read(operation: str) -> bool:
    """Whether an operation (as boto3 names it) only reads: it begins with a verb that ends in ``_``, or is one that is
    listed whole. ``invoke_endpoint_async`` starts work, so a common beginning is not enough.
    """
    return any(operation.startswith(verb) if verb.endswith("_") else operation == verb for verb in READ_VERBS)


# What stands between a change and its client: botocore itself, and the SDK that a change lends clients to.
_CLIENT_PACKAGES = ("botocore", "boto3", "s3transfer", "sagemaker", "pydantic")
_MAY_WRITE = re.compile(r"opskit\.\w+\.changes(\.|$)")
_KEEPS_STATE = re.compile(r"opskit\.state\.\w+$")
CREDENTIAL_CALLS = frozenset(
    {
        *(("sts", "assume_role"), ("sts", "assume_role_with_web_identity"), ("s3", "create_session")),
        *(("sso-oidc", "create_token"), ("signin", "create_o_auth2_token")),
    }
)
"""What botocore calls by itself for credentials, in the middle of whatever needs them. It changes nothing."""
_ITEM_WRITES = frozenset({"batch_write_item", "delete_item", "put_item", "transact_write_items", "update_item"})


def check_client_call(model: Any, **_: Any) -> None:
    """Pass if a client's call only reads, gets credentials, or may write: botocore's ``before-call``, of each client
    that a session of opskit's makes.

    Raises:
        PermissionError: as ``check_write_access``.
    """
    from botocore import xform_name

    operation = xform_name(model.name)
    if not is_read(operation) and (model.service_model.service_name, operation) not in CREDENTIAL_CALLS:
        check_write_access(operation, through=_CLIENT_PACKAGES)


def check_write_access(operation: str, *, through: tuple[str, ...] = ()) -> None:
    """Pass if the nearest caller outside of ``opskit.aws``, the standard library and the packages ``through`` is a
    feature's ``changes``, or is no module of opskit's, such as a test.

    Raises:
        PermissionError: it is another module of opskit's, or none, as in a thread that was given a bare writer.
    """
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        module = str(frame.f_globals.get("__name__", ""))
        # Of the standard library: a context manager, a partial or a pool of threads may stand between.
        package = module.partition(".")[0]
        if module.startswith("opskit.aws.") or package in sys.stdlib_module_names or package in through:
            continue
        if operation in _ITEM_WRITES and _KEEPS_STATE.match(module):
            return
        if module.startswith("opskit.") and not _MAY_WRITE.match(module):
            raise PermissionError(f"{module} may not call {operation}: only a feature's changes write to an account")
        return
    # The stack has ended: a thread whose target is a writer's method itself.
    raise PermissionError(f"nobody may call {operation} by itself: only a feature's changes write to an account")


call_hook: Callable[[str, str], None] | None = None
"""Called with the name and Region of every call before it is sent; ``--verbose`` sets it."""


def note_call(name: str, region: str) -> None:
    """Report a call that is about to be sent; ``name`` as AWS writes it: ``sagemaker:StopTrainingJob``."""
    if call_hook is not None:
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
    from botocore.parsers import ResponseParserError

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
        try:
            response: dict[str, Any] = call(**params)
        except (LookupError, TypeError, AttributeError) as error:  # botocore's parser stumbled over the body: no bug
            raise ResponseParserError(f"{type(error).__name__}: {error}") from error
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


def pascal_case(operation: str) -> str:
    """boto3's name of an operation as AWS writes it: ``DescribeEndpoint``."""
    # capitalize() lowers all but the first letter, so the words that AWS writes with more capitals are put right.
    return "".join(word.capitalize() for word in operation.split("_")).replace("Aws", "AWS").replace("AutoMl", "AutoML")
