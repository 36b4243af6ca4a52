"""The one door to boto: sessions, clients, pacing and pages.

Everything that reads goes through ``Door.read``, everything that changes an account through ``Door.write``.
A read that failed in passing is repeated; a write is sent once, because a repeat of a write whose answer was lost
may do it twice.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from opskit.aws_answers import UnreadableAnswer, check_body, check_members
from opskit.aws_errors import RENEW_HINT, incomplete, translated
from opskit.errors import AwsFailure, NoCredentials, Throttled, UsageProblem
from opskit.left_running import LeftRunning

T = TypeVar("T")

_CONNECT_SECONDS = 5
_READ_SECONDS = 10
_WRITE_TRIES = 5
_READ_TRIES = 5
_MOST_CONNECTIONS = 16

# Calls per second and burst per account and Region, from AWS's Service Quotas page; SageMaker's ListTrainingJobs
# as reported by users. Refill is held a tenth below, since clocks and other callers are never quite ours.
_RATES: Mapping[str, tuple[float, int]] = {
    "get_service_quota": (5, 5),
    "get_aws_default_service_quota": (5, 5),
    "get_requested_service_quota_change": (5, 5),
    "list_requested_service_quota_change_history": (5, 5),
    "list_requested_service_quota_change_history_by_quota": (5, 5),
    "list_service_quotas": (10, 10),
    "list_aws_default_service_quotas": (10, 10),
    "request_service_quota_increase": (3, 3),
    "list_training_jobs": (2, 2),
}
_SHARE_OF_RATE = 0.9

# Answered from one place for all Regions; boto3 would build hosts that do not exist elsewhere.
_HOME_REGIONS = {"support": "us-east-1", "pricing": "us-east-1", "iam": "us-east-1"}


@dataclass(frozen=True)
class _Turning:
    """How a listing is read on: what asks for the next page, where a page tells it, and what says that there is one,
    where a token alone does not.
    """

    asked: str
    told: str
    more: str | None = None


_PAGES: Mapping[str, _Turning] = {
    "iam": _Turning("Marker", "Marker", "IsTruncated"),
    "logs": _Turning("nextToken", "nextToken"),
    "s3": _Turning("ContinuationToken", "NextContinuationToken", "IsTruncated"),
    "support": _Turning("nextToken", "nextToken"),
}
"""The services that do it in other words than NextToken."""

_READ_VERBS = (
    "get_",
    "list_",
    "describe_",
    "search",
    "head_",
    "filter_",
    "simulate_",
    "download_",
    "invoke_endpoint",
    "create_presigned_",  # a key to look with; it changes nothing
    "start_quota_utilization_report",  # what it starts can only be read, and AWS deletes it after 15 minutes
)


def _unheard(name: str, region: str) -> None:
    """The listener when nobody listens."""


on_call: Callable[[str, str], None] = _unheard
"""Told of every call by name and Region, before it goes; ``--verbose`` listens here."""


class Pace:
    """Hands out turns below a rate: ``burst`` at once, then ``per_second``. Safe across threads."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1 / (per_second * _SHARE_OF_RATE)
        at_once = burst - 1 if burst > 2 else burst  # calls sent apart can arrive together
        self._span = self._interval * (at_once - 1)
        self._next = 0.0
        self._lock = threading.Lock()

    def turn(self) -> None:
        """Wait until the next call may go."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now - self._span)
            wait = self._next - now
            self._next += self._interval
        if wait > 0:
            time.sleep(wait)


@dataclass(frozen=True)
class Caller:
    """Who AWS takes us for."""

    account: str
    arn: str


@dataclass
class Connection:
    """One set of credentials: a shared boto3 session, its clients and its paces."""

    session: Any
    home: str
    read_seconds: float = field(default_factory=lambda: _READ_SECONDS)
    left_running: LeftRunning = field(default_factory=LeftRunning)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _paces: dict[tuple[str, str], Pace] = field(default_factory=dict)
    _asking: Future[Caller] | None = None
    _open: Callable[[], Connection] | None = None
    _lent: Any = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _making: threading.RLock = field(default_factory=threading.RLock)

    def door(self, region: str | None = None) -> Door:
        """The door to one Region; to the home Region when none is named."""
        return Door(self, region or self.home)

    def client(self, service: str, region: str) -> Any:
        """A boto3 client, made once per service and Region. It sends each call once, and refuses half an answer."""
        key = (service, region)
        if key not in self._clients:
            with self._making:  # boto3 can make only one client at a time
                if key not in self._clients:
                    self._clients[key] = self._new_client(service, region)
        return self._clients[key]

    def _new_client(self, service: str, region: str) -> Any:
        config = _config(self.read_seconds)
        parsers = self.session._session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_moment)
        client = self.session.client(service, region_name=region, config=config)
        for check in (check_body, check_members):
            client.meta.events.register("after-call", check)
        return client

    def leave(self, region: str) -> None:
        """Let go of a Region's clients, which a look at many Regions would pile up."""
        for key in [key for key in self._clients if key[1] == region and key[0] not in _HOME_REGIONS]:
            client = self._clients.pop(key, None)
            if client is not None:
                client.close()

    def lent_session(self) -> Any:
        """A boto3 session for another library: the same credentials, and our clients, which send each call once."""
        if self._lent is None:
            self._lent = _lent_session(self)
        return self._lent

    def pace(self, operation: str, region: str) -> Pace | None:
        """The pace of an operation in a Region, None where AWS documents no rate."""
        rate = _RATES.get(operation)
        if rate is None:
            return None
        return self._paces.setdefault((operation, region), Pace(*rate))

    def caller(self) -> Caller:
        """Who we are, asked once; whoever asks meanwhile shares the answer, or its failure.

        Raises:
            AwsFailure: AWS does not say.
        """
        with self._lock:
            theirs = self._asking
            asking = self._asking = theirs or Future()
        if theirs is None:
            try:
                answer = self.door().read("sts", "get_caller_identity")
                asking.set_result(_caller(answer))
            except BaseException as error:
                self._asking = None
                asking.set_exception(error)
        return asking.result()

    def renew(self) -> None:
        """Look for credentials anew, as when the connection was opened: somebody may have signed in meanwhile.

        Raises:
            UsageProblem: the profile is gone.
            AwsFailure: the role could not be assumed.
        """
        if self._open is None:
            return
        fresh = self._open()
        with self._lock:
            self.session, self._asking, self._lent = fresh.session, None, None
            self._clients.clear()

    def hang_up(self, region: str | None = None) -> None:
        """Close the connections that lie idle, to one Region or to all. Nobody may be calling there meanwhile; the
        next call opens one anew.
        """
        for (_, where), client in list(self._clients.items()):
            if region in (None, where):
                client.close()

    def endpoint(self) -> str:
        """Whose AWS this is: ``aws``, or the URL that AWS_ENDPOINT_URL names. What is learnt of one says
        nothing about another.
        """
        url: str = self.client("service-quotas", self.home).meta.endpoint_url
        return "aws" if ".amazonaws.com" in url or ".api.aws" in url else url


def _config(read_seconds: float) -> Any:
    """How a client waits. It repeats nothing: ``Door`` knows what may be repeated."""
    from botocore.config import Config

    return Config(
        connect_timeout=min(_CONNECT_SECONDS, read_seconds),
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=_MOST_CONNECTIONS,
        user_agent_extra="opskit",
    )


def _heard(call: Callable[..., dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """A call's answer; botocore stumbling over it is an answer that is not AWS's."""
    from botocore.parsers import ResponseParserError

    try:
        return call(**params)
    except (LookupError, TypeError, AttributeError) as error:
        raise ResponseParserError(f"{type(error).__name__}: {error}") from error


def _moment(told: Any) -> datetime:
    """A time in an answer, in UTC. botocore would make it local, which takes it ten times as long, and metrics come
    with times by the ten thousand.
    """
    from botocore.utils import parse_timestamp

    if isinstance(told, int | float):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(told, UTC)
    moment: datetime = parse_timestamp(told)
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


def _caller(answer: Mapping[str, Any]) -> Caller:
    try:
        return Caller(answer["Account"], answer["Arn"])
    except KeyError as error:
        text = "sts:GetCallerIdentity answered without an account."
        raise AwsFailure("bad-answer", text, "Check AWS_ENDPOINT_URL if it is set.") from error


@dataclass(frozen=True)
class Door:
    """One Region of one account."""

    connection: Connection
    region: str

    @property
    def left_running(self) -> LeftRunning:
        """What was made or is watched through this connection and goes on when the command ends."""
        return self.connection.left_running

    def read(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Ask AWS something (boto3's names for service and operation). Throttling, AWS's own failures and broken
        connections are waited out for a few seconds; a call that timed out is not repeated. A streamed ``Body``
        comes as bytes.

        Raises:
            AwsFailure: it said no, or did not answer.
            ValueError: the operation is no read.
        """
        if not operation.startswith(_READ_VERBS):
            raise ValueError(f"{operation} changes something; it belongs to Door.write")
        for attempt in range(_READ_TRIES):
            try:
                return self._call(service, operation, params, writes=False)
            except AwsFailure as failure:
                if not failure.passing or attempt == _READ_TRIES - 1:
                    raise
                time.sleep(2**attempt * random.uniform(0.1, 0.3))
        raise AssertionError("unreachable")

    def pages(self, service: str, operation: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every page of a listing, each as AWS answered it, in order.

        Raises:
            AwsFailure: a page could not be read, or leads nowhere: to a page that was there already, or to none.
        """
        turning = _PAGES.get(service, _Turning("NextToken", "NextToken"))
        seen: set[str] = set()
        while True:
            page = self.read(service, operation, **params)
            yield page
            token = page.get(turning.told)
            if not (page.get(turning.more) if turning.more else token):
                return
            if not token or token in seen:
                why = "twice with the same token for the next page" if token else "without the token for its next page"
                name = f"{service}:{_pascal(operation)}"
                raise incomplete(name, self.region, f"{why}, so that its end cannot be reached")
            seen.add(token)
            params = {**params, turning.asked: token}

    def write(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Change something, once. Only throttling, which AWS answers before it acts, is waited out and repeated; what
        must not be done on an old look belongs to ``send_once``.

        Raises:
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsFailure: AWS said no, so nothing changed.
        """
        return self._sent(lambda: self._call(service, operation, params, writes=True))

    def send_once(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Change something that was looked at just now. Throttling is not waited out here: by then the look would be
        old, so whoever looked looks again before sending again.

        Raises:
            Throttled: AWS asks to slow down; nothing changed.
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsFailure: AWS said no, so nothing changed.
        """
        return self._call(service, operation, params, writes=True)

    def lend(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
        """Change something through another library, once. ``send`` gets a boto3 session whose clients are ours, and
        ends with a call of ``operation``, or with looking at what that has made.

        Raises:
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsFailure: AWS said no, so nothing changed.
        """
        self._sent(lambda: self._lent(service, operation, send))

    def _sent(self, send: Callable[[], T]) -> T:
        for attempt in range(_WRITE_TRIES):
            try:
                return send()
            except Throttled:
                if attempt == _WRITE_TRIES - 1:
                    raise
                time.sleep(2**attempt / 2)
        raise AssertionError("unreachable")

    def _lent(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
        from botocore.exceptions import ClientError

        name = f"{service}:{_pascal(operation)}"
        on_call(name, self.region)
        try:
            send(self.connection.lent_session())
        except Exception as error:
            if isinstance(error, ClientError | UnreadableAnswer) and error.operation_name != _pascal(operation):
                return  # the change was made; what failed is the look at it
            raise translated(error, name, self.region, self.connection.read_seconds, writes=True) from error

    def leave(self) -> None:
        """Let go of what talks to this Region."""
        self.connection.leave(self.region)

    def _call(self, service: str, operation: str, params: dict[str, Any], *, writes: bool) -> dict[str, Any]:
        region = _HOME_REGIONS.get(service, self.region)
        pace = self.connection.pace(operation, region)
        on_call(f"{service}:{_pascal(operation)}", region)
        what = f"{service}:{_pascal(operation)}"
        try:
            call = getattr(self.connection.client(service, region), operation)
            if pace:
                pace.turn()
            answer = _heard(call, params)
        except Exception as error:
            raise translated(error, what, self.region, self.connection.read_seconds, writes=writes) from error
        if hasattr(answer.get("Body"), "read"):
            answer["Body"] = self._streamed(answer["Body"], f"{service}:{_pascal(operation)}")
        return answer

    def _streamed(self, stream: Any, name: str) -> bytes:
        """A stream read to its end here, where one that breaks off can be asked for anew."""
        try:
            return bytes(stream.read())
        except Exception as error:
            raise translated(error, name, self.region, self.connection.read_seconds) from error


def _lent_session(connection: Connection) -> Any:
    import boto3

    class Lent(boto3.Session):  # type: ignore[misc]
        """The connection's own session, but for its clients. (Made anew, it would hook itself into S3 twice.)"""

        def __init__(self) -> None:
            self.__dict__.update(connection.session.__dict__)

        def client(self, service_name: str, region_name: str | None = None, **_: Any) -> Any:
            return connection.client(service_name, region_name or connection.home)

    return Lent()


def begun(work: Callable[[], T]) -> Future[T]:
    """Begin a read now and take its result later."""
    result: Future[T] = Future()
    waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
    waiting.put((work, result))
    threading.Thread(target=_work_off, args=(waiting,), daemon=True).start()
    return result


def side_by_side(work: Sequence[Callable[[], Any]], *, most: int = _MOST_CONNECTIONS) -> list[Any]:
    """Do independent reads at once, ``most`` at a time, results in order.

    Raises:
        Exception: the first failure, at once; what has not begun by then does not begin.
    """
    if len(work) < 2:
        return [each() for each in work]
    waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
    results: list[Future[Any]] = [Future() for _ in work]
    for pair in zip(work, results, strict=True):
        waiting.put(pair)
    for _ in range(min(most, len(work))):  # daemons: an interrupted command does not wait for an endpoint that hangs
        threading.Thread(target=_work_off, args=(waiting,), daemon=True).start()
    try:
        return [each.result() for each in results]
    finally:
        with suppress(Empty):
            while True:
                waiting.get_nowait()


def _work_off(waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]]) -> None:
    with suppress(Empty):
        while True:
            each, result = waiting.get_nowait()
            try:
                result.set_result(each())
            except BaseException as error:
                result.set_exception(error)


def _pascal(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_")).replace("Aws", "AWS")


def connect(
    *,
    profile: str | None = None,
    role_arn: str | None = None,
    region: str | None = None,
    read_seconds: float | None = None,
) -> Connection:
    """Open a connection with boto3's own search for credentials and Region. An answer of AWS is waited for as long
    as ``read_seconds``.

    Raises:
        UsageProblem: the profile does not exist, or no Region is set anywhere.
        AwsFailure: the role could not be assumed.
    """
    connection = _opened(profile, role_arn, region)
    connection._open = lambda: _opened(profile, role_arn, region)
    connection.read_seconds = read_seconds or connection.read_seconds
    return connection


def usual_region(profile: str | None = None) -> tuple[str, str] | None:
    """The Region that boto3 takes where none is named, and where it found it: a variable or a file. None: nowhere,
    or there is no such profile.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError

    session = botocore.session.Session(profile=profile)
    try:
        region = session.get_config_variable("region")
    except BotoCoreError:
        return None
    variable = "AWS_DEFAULT_REGION"
    found = variable if os.environ.get(variable) else session.get_config_variable("config_file")
    return (region, found) if region else None


def _opened(profile: str | None, role_arn: str | None, region: str | None) -> Connection:
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except BotoCoreError as error:
        raise UsageProblem("profile-not-found", f"{error}.", "`aws configure list-profiles` names yours.") from error
    home = region or session.region_name
    if not home:
        raise UsageProblem("no-region", "No Region is set.", "Add --region us-east-1, or set AWS_DEFAULT_REGION.")
    connection = Connection(session, home)
    return connection if role_arn is None else _assumed(connection, role_arn)


def _assumed(connection: Connection, role_arn: str) -> Connection:
    """A connection as another role; its credentials renew themselves for as long as the command runs."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    base = connection.session
    own = base.get_credentials()
    if own is None:
        raise NoCredentials("no-credentials", "There are no AWS credentials to assume a role with.", RENEW_HINT)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(base._session.create_client, config=_config(connection.read_seconds)),
        source_credentials=own,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "opskit"},
    )
    inner = botocore.session.Session(profile=base._session.profile)  # whose endpoints and Region go on to count
    inner.register_component("data_loader", base._session.get_component("data_loader"))
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, method="assume-role")
    inner.set_config_variable("region", connection.home)
    return Connection(boto3.Session(botocore_session=inner, region_name=connection.home), connection.home)
