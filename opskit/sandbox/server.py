"""One sandbox, from listening to the last child gone."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from opskit.sandbox.account.caller_identity import caller_identity
from opskit.sandbox.account.execution_roles import simulated
from opskit.sandbox.account.managed_policies import keep_policies
from opskit.sandbox.account.permissions import Permissions
from opskit.sandbox.account.regions import Regions
from opskit.sandbox.dispatcher import Front
from opskit.sandbox.hosting.endpoint_service import EndpointRoom
from opskit.sandbox.hosting.invoke_endpoint import PREFIX, Invoking
from opskit.sandbox.hosting.model_service import ModelRoom
from opskit.sandbox.jobs.processing_service import ProcessingRoom
from opskit.sandbox.jobs.search_service import Search
from opskit.sandbox.jobs.training_service import TrainingRoom
from opskit.sandbox.jobs.transform_service import TransformRoom
from opskit.sandbox.jobs.tuning_service import TuningFront
from opskit.sandbox.notebooks.code_repositories import CodeRepositories
from opskit.sandbox.notebooks.notebook_service import Notebooks
from opskit.sandbox.pricing.price_list import Pricing
from opskit.sandbox.processes import Children
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.quotas.service_quotas import ServiceQuotas
from opskit.sandbox.quotas.usage_metrics import UsageMetrics
from opskit.sandbox.rate_limits import Rates
from opskit.sandbox.scenarios import SCENARIOS, Scenario
from opskit.sandbox.state import World
from opskit.sandbox.studio import Studio
from opskit.sandbox.support.support_cases import Support
from opskit.sandbox.tags import Tags
from opskit.sandbox.work_dir import workroom

HOST = "127.0.0.1"
_BACKLOG = 128
_ELSEWHERE = (
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_",
    "AWS_WEB_IDENTITY_",
    "AWS_CONTAINER_",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_CA_BUNDLE",
)


_open: set[str] = set()


class PortTaken(OSError):
    """The port cannot be listened on."""


@dataclass(frozen=True)
class Options:
    """How a sandbox is started. ``port`` 0 takes a free one; times are in seconds.

    ``quotas`` makes up quotas until there are so many a Region, as a grown account has. ``denied`` are patterns of
    IAM actions that nobody may do.
    """

    port: int = 0
    scenario: str = "fresh"
    approve_after_seconds: float = 30.0
    latency_seconds: float = 0.0
    rates: bool = False
    support_plan: bool = False
    quotas: int = 0
    denied: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it listens and what a client's environment needs.

    ``owned`` are the operations (boto3's service name, operation) that it answers itself; the rest are moto's.
    """

    url: str
    scenario: Scenario
    owned: frozenset[tuple[str, str]] = frozenset()

    def environment(self) -> dict[str, str]:
        """The variables that make any AWS client talk to this sandbox."""
        own = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self.scenario.region,
            "AWS_REGION": self.scenario.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ):
            kept = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
            own["NO_PROXY"] = own["no_proxy"] = f"{kept},{HOST}" if kept else HOST
        return own

    def whole_environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """``base`` changed so that nothing in it, nor in the user's AWS files, leads a client elsewhere."""
        kept = {name: value for name, value in base.items() if not _leads_elsewhere(name)}
        no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return {**kept, **no_files, **self.environment()}


def _leads_elsewhere(name: str) -> bool:
    """Whether a variable names another endpoint, another identity or another profile."""
    return name.startswith(_ELSEWHERE)


class _Quiet(MotoRequestHandler):
    """HTTP/1.1, for bodies that come in chunks, and no line a request on the terminal."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@contextmanager
def sandbox(options: Options) -> Iterator[Sandbox]:
    """Run a sandbox on loopback for as long as the block lasts.

    Raises:
        PortTaken: the port is taken, or not for us.
    """
    scenario = SCENARIOS[options.scenario]
    keep_policies()
    with _listening(options.port) as listener, workroom() as folder, _no_profile():
        front = Front(DomainDispatcherApplication(create_backend_app), latency_seconds=options.latency_seconds)
        server = make_server(HOST, 0, front, threaded=True, request_handler=_Quiet, fd=listener.fileno())
        world = World(f"http://{HOST}:{server.port}", folder, Children())
        metrics = _furnish(front, world, scenario, options)
        threading.Thread(target=server.serve_forever, name="sandbox", daemon=True).start()
        try:
            scenario.seed(world)
            metrics.start(scenario.places())
            _open.add(world.url)
            yield Sandbox(world.url, scenario, frozenset(front.operations))
        finally:
            _close(server, world)
            _forget(world)


@contextmanager
def _no_profile() -> Iterator[None]:
    """Hide the user's profile while moto runs: its sessions fail on one that they do not find."""
    hidden = {name: os.environ.pop(name) for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """A socket that listens: werkzeug's own way ends the whole program when the port is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(_BACKLOG)
        except OSError as error:
            raise PortTaken(error.strerror or str(error)) from error
        yield listener


def _furnish(front: Front, world: World, scenario: Scenario, options: Options) -> UsageMetrics:
    book = QuotaBook(world, scenario, options.approve_after_seconds, options.quotas)
    if options.rates:
        front.admit = Rates().admit
    regions = Regions()
    front.actions["DescribeRegions"] = regions.describe_regions
    permissions = Permissions(options.denied)
    front.refusal = permissions.refusal
    front.actions["GetCallerIdentity"] = caller_identity
    front.actions["SimulatePrincipalPolicy"] = lambda request, place: simulated(permissions, request)
    tags = Tags()
    repositories = CodeRepositories(world, tags)
    notebooks = Notebooks(world, book, repositories)
    tags.own("notebook-instance", notebooks.tags_of)
    models = ModelRoom(world, tags)
    training = TrainingRoom(world, book, tags)
    endpoints = EndpointRoom(world, book, tags, models)
    front.pages[PREFIX] = Invoking(endpoints).page
    rooms = (
        regions,
        ServiceQuotas(world, scenario, book),
        Support(world, book.requests, plan=options.support_plan),
        Pricing(),
        notebooks,
        repositories,
        tags,
        models,
        training,
        TransformRoom(world, book, tags, models),
        endpoints,
        ProcessingRoom(world, book, tags),
        TuningFront(world, book),
        Studio(),
        Search(world, training, endpoints),
    )
    for room in rooms:
        front.add(room)
    return UsageMetrics(world, book)


def _forget(world: World) -> None:
    """Let what moto keeps go with the last sandbox of this process: it is the process's, not one sandbox's."""
    _open.discard(world.url)
    if not _open:
        moto_api_backend.reset()


def _close(server: BaseWSGIServer, world: World) -> None:
    world.closing.set()
    world.children.close()
    server.shutdown()
    server.server_close()
    logging.shutdown()
