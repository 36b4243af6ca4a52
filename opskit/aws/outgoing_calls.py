"""Shows the SageMaker calls of this process right before they are sent, whichever boto3 client sends them.

botocore's events reach only the clients of a session that are made afterwards. So one method of ``BaseClient``, through
which the parameters of every call of every client pass, is replaced while somebody listens: clients that exist already
are covered too. Asynchronous clients (aiobotocore) have a method of their own and are not covered. A second
method, which calls that one, tells how the call ended.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from opskit.aws.boto3_clients import Boto3Clients, is_own_client
from opskit.aws.client import AwsClient
from opskit.aws.partitions import is_aws_host
from opskit.aws.session import AwsSession
from opskit.core.exceptions import CredentialsError, UsageError

# A call waits for its reading, so one answer may take no longer than the reading as a whole.
READ_SECONDS = 5.0
# Sessions that are kept: a program has few credentials, but a server may have one set for each of its users.
_MAX_SESSIONS = 32
_METHOD = "_emit_api_params"
_CALLING_METHOD = "_make_api_call"


@dataclass(frozen=True)
class OutgoingCall:
    """A call that a SageMaker client is about to send. ``params`` are those that will be sent, after all handlers of
    botocore's events have seen them.
    """

    operation: str
    params: Mapping[str, Any]
    _client: Any = field(repr=False)
    _model: Any = field(repr=False)
    _not_taken_actions: list[Callable[[], None]] = field(default_factory=list, repr=False, compare=False)

    @property
    def region(self) -> str:
        """The Region that it goes to."""
        return str(self._client.meta.region_name)

    def open_reader(self) -> AwsClient:
        """A reader with the calling client's credentials, Region and endpoint. The same one for calls that share
        these.

        Raises:
            CredentialsError: the client signs nothing.
        """
        return read_as(self._client)

    def on_not_accepted(self, action: Callable[[], None]) -> None:
        """Have something done if the call is not sent, or fails so that AWS has certainly not taken it."""
        self._not_taken_actions.append(action)

    def is_well_formed(self) -> bool:
        """Whether botocore will accept the parameters. What it refuses is never sent."""
        from botocore.validate import ParamValidator

        if self._model.input_shape is None or not self._client.meta.config.parameter_validation:
            return True
        return not ParamValidator().validate(self.params, self._model.input_shape).has_errors()

    def reaches_instances(self) -> bool:
        """Whether the operation's input has a place for an instance type or a number of instances."""
        shape = self._model.input_shape
        return shape is not None and any(_instance_members(shape, ()))

    def is_of_session(self, boto3_session: Any) -> bool:
        """Whether the client was made by a boto3 session."""
        # A client does not know its session; the exceptions factory is the one object that a session hands to all of
        # its.
        made_by = boto3_session._session._get_internal_component("exceptions_factory")
        return self._client._exceptions_factory is made_by


Listener = Callable[[OutgoingCall], None]

_listeners: tuple[Listener, ...] = ()
# By the name of the method: botocore's, and ours.
_replaced: dict[str, tuple[Any, Any]] = {}
# What is to be done if the call that this thread makes is not taken.
_not_taken_actions: ContextVar[list[Callable[[], None]] | None] = ContextVar("not_taken_actions", default=None)
_lock = threading.Lock()


def add_call_listener(listener: Listener) -> None:
    """Let a listener see every SageMaker call from now on. What it raises keeps the call from being sent, and reaches
    the caller.

    Raises:
        UsageError: this botocore has no such place.
    """
    global _listeners  # noqa: PLW0603 - a process has one botocore
    with _lock:
        _replace_method()
        _listeners = (*_listeners, listener)


def remove_call_listener(listener: Listener) -> None:
    """Undo ``add_call_listener``; a listener that is not there is no error. With the last one botocore is as before."""
    global _listeners  # noqa: PLW0603
    with _lock:
        _listeners = tuple(each for each in _listeners if each != listener)
        if not _listeners:
            _restore_method()


def _replace_method() -> None:
    from botocore.client import BaseClient

    for name, wrap in ((_METHOD, _showing_params), (_CALLING_METHOD, _reporting_failures)):
        original = getattr(BaseClient, name, None)
        if original is None:
            _restore_method()
            text = "The installed botocore has no place at which opskit could look at calls."
            raise UsageError("botocore-unknown", text, "Install a release of botocore that opskit was tested with.")
        if name not in _replaced or original is not _replaced[name][1]:
            _replaced[name] = (original, wrap(original))
            setattr(BaseClient, name, _replaced[name][1])


def _showing_params(original: Any) -> Any:
    @functools.wraps(original)
    def showing_params(self: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
        params = original(self, api_params=api_params, operation_model=operation_model, context=context)
        # Signing a URL sends nothing.
        if _listeners and not context.get("is_presign_request") and _is_watched(self):
            actions = _not_taken_actions.get()
            call = OutgoingCall(operation_model.name, params, self, operation_model, [] if actions is None else actions)
            _show_call(call)
        return params

    return showing_params


def _show_call(call: OutgoingCall) -> None:
    try:
        for listener in _listeners:
            listener(call)
    except BaseException:  # what a listener raises keeps the call from being sent
        _run_actions(call._not_taken_actions)
        raise


def _reporting_failures(original: Any) -> Any:
    @functools.wraps(original)
    def reporting_failures(self: Any, *args: Any, **kwargs: Any) -> Any:
        actions: list[Callable[[], None]] = []
        token = _not_taken_actions.set(actions)
        try:
            return original(self, *args, **kwargs)
        except Exception as error:
            if actions and _is_not_taken(error):
                _run_actions(actions)
            raise
        finally:
            _not_taken_actions.reset(token)

    return reporting_failures


def _run_actions(actions: list[Callable[[], None]]) -> None:
    while actions:
        actions.pop()()


def _is_not_taken(error: Exception) -> bool:
    """Whether AWS has certainly not taken a call that failed."""
    from botocore import exceptions as boto

    if isinstance(error, boto.ClientError):
        answer = error.response.get("ResponseMetadata") or {}
        # Of a call that botocore repeated, an attempt before the last may have been taken, and its answer lost.
        return 400 <= answer.get("HTTPStatusCode", 0) < 500 and not answer.get("RetryAttempts")
    return isinstance(
        error,
        boto.ParamValidationError
        | boto.NoCredentialsError
        | boto.PartialCredentialsError
        | boto.CredentialRetrievalError
        | boto.EndpointConnectionError
        | boto.ConnectTimeoutError
        | boto.ProxyConnectionError,
    )


def _restore_method() -> None:
    """Put botocore's own methods back, unless somebody else has replaced ours meanwhile: then ours stay, and do
    nothing.
    """
    from botocore.client import BaseClient

    for name, (original, ours) in list(_replaced.items()):
        if getattr(BaseClient, name) is ours:
            setattr(BaseClient, name, original)
            del _replaced[name]


def _is_watched(client: Any) -> bool:
    return client.meta.service_model.service_name == "sagemaker" and not is_own_client(client)


_sessions: dict[tuple[int, str, str], tuple[Any, AwsSession]] = {}


def read_as(client: Any) -> AwsClient:
    """A reader with a boto3 client's credentials, Region and endpoint. The same one for clients that share these.

    Raises:
        CredentialsError: the client signs nothing.
    """
    credentials = client._request_signer._credentials
    region, url = str(client.meta.region_name), str(client.meta.endpoint_url)
    if credentials is None:
        text = "The client that makes the call has no credentials, so that nothing can be read with them."
        raise CredentialsError("no-credentials", text, region=region)
    key = (id(credentials), region, url)
    with _lock:
        known = _sessions.get(key)
        # An id is given again when its object is gone; the object is kept with the session, so that it stays.
        if known is None or known[0] is not credentials:
            # The oldest goes first: a dictionary keeps the order in which its keys came.
            while len(_sessions) >= _MAX_SESSIONS:
                del _sessions[next(iter(_sessions))]
            known = _sessions[key] = (credentials, _session_like(client, credentials))
    return known[1].client()


def open_default_reader() -> AwsClient | None:
    """A reader with the credentials of boto3's default session, which ``boto3.client`` uses: what it opens and finds
    out serves the calls of those clients too. None: there is no such session yet, and making one is not for us.

    Raises:
        CredentialsError: it has no credentials.
    """
    session = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    return None if session is None or not session.region_name else read_as(session.client("sagemaker"))


def _session_like(client: Any, credentials: Any) -> AwsSession:
    """A session with a client's credentials, which refresh themselves as they do for it, and its way to AWS."""
    import boto3
    import botocore.session

    region = str(client.meta.region_name)
    inner = botocore.session.Session()
    # The calling client's own loader has read SageMaker's model already, which takes a tenth of a second.
    inner.register_component("data_loader", client._loader)
    inner._credentials = credentials  # botocore has no public way to give a session credentials that refresh
    inner.set_config_variable("region", region)
    clients = Boto3Clients(
        boto3.Session(botocore_session=inner, region_name=region),
        READ_SECONDS,
        functools.partial(_client_options, str(client.meta.endpoint_url), client._endpoint.http_session._verify),
    )
    return AwsSession(clients, region)


def _client_options(url: str, verify: Any, service: str) -> dict[str, Any]:
    """How the client of a service is made: SageMaker's with the calling client's endpoint."""
    options = {} if verify in (None, True) else {"verify": verify}
    named = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
    # What is not AWS's own host, such as a local stand-in, answers for the other services too, unless the environment
    # names another.
    is_elsewhere = not is_aws_host(urlsplit(url).hostname or "")
    if service == "sagemaker" or (is_elsewhere and not {"AWS_ENDPOINT_URL", named} & os.environ.keys()):
        options["endpoint_url"] = url
    return options


def _instance_members(shape: Any, above: tuple[str, ...]) -> Iterator[str]:
    """The members at any depth whose values are instance types, or numbers of instances."""
    if shape.name in above:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if member.type_name == "integer" and "instancecount" in f"{name}{member.name}".lower():
                yield name
            yield from _instance_members(member, (*above, shape.name))
    elif shape.type_name == "list":
        yield from _instance_members(shape.member, (*above, shape.name))
    elif shape.type_name == "map":
        yield from _instance_members(shape.value, (*above, shape.name))
    elif shape.type_name == "string" and any(str(value).startswith("ml.") for value in shape.enum):
        yield shape.name
