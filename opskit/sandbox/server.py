"""One sandbox, from listening to the last child gone."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from opskit.sandbox.account.caller_identity import answer_get_caller_identity
from opskit.sandbox.account.execution_roles import load_managed_policies, role_boundary, simulate_principal_policy
from opskit.sandbox.account.faults import FaultKind, FaultSwitches
from opskit.sandbox.account.organization import OrganizationService, check_assume_role, create_accounts
from opskit.sandbox.account.permissions import Permissions
from opskit.sandbox.account.policy_file import PolicyFile
from opskit.sandbox.account.regions import RegionService
from opskit.sandbox.caller_check import OWN_PEER
from opskit.sandbox.client_models import model_variables, write_client_models
from opskit.sandbox.dispatcher import Dispatcher
from opskit.sandbox.event_history import EventHistory
from opskit.sandbox.hosting.endpoint_attachments import EndpointAttachmentService
from opskit.sandbox.hosting.endpoint_service import EndpointService
from opskit.sandbox.hosting.inference_components import InferenceComponentService
from opskit.sandbox.hosting.invocation_metrics import InvocationMetrics
from opskit.sandbox.hosting.invoke_endpoint import INVOKE_PATH_PREFIX, InvokeEndpointPage
from opskit.sandbox.hosting.model_service import ModelService
from opskit.sandbox.hosting.seeded_endpoints import SeededEndpoints
from opskit.sandbox.jobs.processing_service import ProcessingService
from opskit.sandbox.jobs.search_service import SearchService
from opskit.sandbox.jobs.training_service import TrainingService
from opskit.sandbox.jobs.transform_service import TransformService
from opskit.sandbox.jobs.tuning_service import TuningService
from opskit.sandbox.lag import LagMode, ReadLag
from opskit.sandbox.metrics import MetricDataService
from opskit.sandbox.notebooks.code_repositories import CodeRepositoryService
from opskit.sandbox.notebooks.notebook_service import NotebookService
from opskit.sandbox.peer_user import is_own_peer
from opskit.sandbox.pricing.price_list import PricingService
from opskit.sandbox.processes import ChildProcesses
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.quotas.service_quotas import QuotaService
from opskit.sandbox.quotas.usage_metrics import UsageMetricPublisher
from opskit.sandbox.quotas.utilization_report import UtilizationReportService
from opskit.sandbox.rate_limits import CallRateLimits, RateMode
from opskit.sandbox.scenarios import SCENARIOS, Scenario, create_member_resources
from opskit.sandbox.service_records import ServiceRecords
from opskit.sandbox.signature import is_signed_for_unknown_region
from opskit.sandbox.state import ACCOUNT, AccountRegion, SandboxState, client_variables
from opskit.sandbox.studio import StudioService
from opskit.sandbox.support.support_service import SupportService
from opskit.sandbox.tags import TagService
from opskit.sandbox.work_dir import temporary_work_dir

HOST = "127.0.0.1"
# Connections that wait while every thread is busy: a client that asks all Regions opens many together.
_BACKLOG = 128
# Prefixes: AWS_ENDPOINT_URL stands for AWS_ENDPOINT_URL_S3 and the like too.
_REDIRECTING_VARIABLES = (
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


_open_urls: set[str] = set()


class PortTaken(OSError):
    """The port cannot be listened on."""


@dataclass(frozen=True)
class SandboxOptions:
    """How a sandbox is started. ``port`` 0 takes a free one; times are in seconds.

    ``rates`` and ``lag`` are as untidy as AWS unless told otherwise; ``seed`` decides which reads lag.
    ``accounts`` is how many an organization has; 1: there is none.
    ``quotas`` makes up quotas until there are so many a Region, as a grown account has. ``history`` is how many jobs of
    each kind ran before. ``policy`` is the file of the IAM policy that alone allows callers anything; empty: they may
    do everything. ``denied`` are patterns of IAM actions that nobody may do, ``faults`` kinds of wrong answers with the
    patterns of the actions that get them.
    """

    port: int = 0
    scenario: str = "fresh"
    approve_after_seconds: float = 30.0
    latency_seconds: float = 0.0
    rates: RateMode = RateMode.AWS
    lag: LagMode = LagMode.SOMETIMES
    seed: int = 0
    support_plan: bool = False
    quotas: int = 0
    history: int = 0
    accounts: int = 1
    denied: tuple[str, ...] = ()
    policy: str = ""
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it listens and what a client's environment needs.

    ``own_operations`` are those (boto3's service name, operation) that it answers itself; the rest are moto's.
    ``client_models`` lead clients here that name AWS's STS, and keep the SDK's telemetry from AWS.
    """

    url: str
    scenario: Scenario
    client_models: Path
    own_operations: frozenset[tuple[str, str]] = frozenset()

    def client_environment(self) -> dict[str, str]:
        """The variables that make any AWS client talk to this sandbox."""
        variables = client_variables(self.url, self.scenario.region) | model_variables(self.client_models)
        # botocore would send even what is meant for 127.0.0.1 to a proxy. Some programs read NO_PROXY, some no_proxy.
        if any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ):
            excluded = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
            variables["NO_PROXY"] = variables["no_proxy"] = f"{excluded},{HOST}" if excluded else HOST
        return variables

    def isolated_environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """``base`` changed so that nothing in it, nor in the user's AWS files, leads a client elsewhere."""
        kept = {name: value for name, value in base.items() if not _leads_elsewhere(name)}
        no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return {**kept, **no_files, **self.client_environment()}


def _leads_elsewhere(name: str) -> bool:
    """Whether a variable names another endpoint, another identity or another profile."""
    return name.startswith(_REDIRECTING_VARIABLES)


class _QuietRequestHandler(MotoRequestHandler):
    """HTTP/1.1, for bodies that come in chunks, and no line a request on the terminal."""

    protocol_version = "HTTP/1.1"
    _own_peer: bool | None
    _is_looked_up = False

    def make_environ(self) -> dict[str, Any]:
        if not self._is_looked_up:  # once a connection, while its other end is surely there
            self._own_peer, self._is_looked_up = is_own_peer(self.client_address, self.request.getsockname()), True
        return {**super().make_environ(), OWN_PEER: self._own_peer}

    def run_wsgi(self) -> None:
        # There, the name of such a host is not found. Here, the connection ends without a response.
        if is_signed_for_unknown_region(self.headers.get("Authorization", "")):
            self.close_connection = True
        else:
            super().run_wsgi()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@contextmanager
def run_sandbox(options: SandboxOptions) -> Iterator[Sandbox]:
    """Run a sandbox on loopback for as long as the block lasts.

    Raises:
        PortTaken: the port is taken, or not for us.
    """
    scenario = SCENARIOS[options.scenario]
    load_managed_policies()
    with open_listener(options.port) as listener, temporary_work_dir() as folder, _hide_aws_profile():
        dispatcher = Dispatcher(
            DomainDispatcherApplication(create_backend_app), latency_seconds=options.latency_seconds
        )
        # werkzeug takes over the socket that listens; the port it is given beside it has no meaning.
        server = make_server(
            HOST, 0, dispatcher, threaded=True, request_handler=_QuietRequestHandler, fd=listener.fileno()
        )
        lag = ReadLag(options.lag, options.seed)
        url, home = f"http://{HOST}:{server.port}", AccountRegion(ACCOUNT, scenario.region)
        state = SandboxState(url, folder, ChildProcesses(), lag, options.history, home)
        metrics = _register_services(dispatcher, state, scenario, options)
        threading.Thread(target=server.serve_forever, name="sandbox", daemon=True).start()
        try:
            scenario.create_resources(state)
            if options.accounts > 1:
                members = create_accounts(state, options.accounts, partial(create_member_resources, state))
                dispatcher.actions["AssumeRole"] = lambda request, _: check_assume_role(
                    state, frozenset(members), request
                )
            metrics.start_publishing(scenario.seeded_account_regions())
            _open_urls.add(state.url)
            models = write_client_models(folder, state.url)
            yield Sandbox(state.url, scenario, models, frozenset(dispatcher.operations))
        finally:
            _close_server(server, state)
            _reset_moto_after_last(state)


@contextmanager
def _hide_aws_profile() -> Iterator[None]:
    """Hide the user's profile while moto runs: its sessions fail on one that they do not find."""
    hidden = {name: os.environ.pop(name) for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def open_listener(port: int) -> Iterator[socket.socket]:
    """A socket that listens: werkzeug's own way ends the whole program when the port is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(_BACKLOG)
        except OSError as error:
            raise PortTaken(error.strerror or str(error)) from error
        yield listener


def _register_services(
    dispatcher: Dispatcher, state: SandboxState, scenario: Scenario, options: SandboxOptions
) -> UsageMetricPublisher:
    ledger = QuotaLedger(state, scenario, options.approve_after_seconds, options.quotas)
    dispatcher.check_rate = CallRateLimits(options.rates).check_rate
    regions = RegionService()
    dispatcher.actions["DescribeRegions"] = regions.describe_regions
    tags = TagService(state)
    policy = PolicyFile(Path(options.policy)) if options.policy else None
    permissions = Permissions(options.denied, policy, tags.current_tags, partial(role_boundary, state))
    faults = FaultSwitches(tuple((FaultKind(kind), pattern) for kind, pattern in options.faults))
    dispatcher.denial_response = lambda request: permissions.denial_response(request) or faults.fault_response(request)
    dispatcher.actions["GetCallerIdentity"] = answer_get_caller_identity
    dispatcher.actions["SimulatePrincipalPolicy"] = lambda request, account_region: simulate_principal_policy(
        permissions, request
    )
    events = EventHistory(state)
    dispatcher.record_call = events.record_call
    repositories = CodeRepositoryService(state, tags)
    notebooks = NotebookService(state, ledger, repositories)
    tags.register_resource_type("notebook-instance", notebooks.notebook_tags, notebooks.notebook_names)
    # Endpoints and transform jobs look models up, so models come first.
    models = ModelService(state, tags)
    training = TrainingService(state, ledger, tags)
    endpoints = EndpointService(state, ledger, tags, models)
    invocations = InvocationMetrics(state)
    SeededEndpoints(state, models, endpoints, invocations)
    dispatcher.pages[INVOKE_PATH_PREFIX] = InvokeEndpointPage(endpoints, invocations).answer_request
    services = (
        regions,
        OrganizationService(state.home.account if options.accounts > 1 else None),
        QuotaService(state, scenario, ledger),
        UtilizationReportService(state, ledger),
        SupportService(state, ledger.requests, plan=options.support_plan),
        PricingService(),
        notebooks,
        repositories,
        tags,
        models,
        training,
        TransformService(state, ledger, tags, models),
        endpoints,
        EndpointAttachmentService(state, endpoints),
        InferenceComponentService(state, endpoints, tags),
        MetricDataService(),
        ProcessingService(state, ledger, tags),
        TuningService(state, ledger),
        StudioService(state, tags),
        ServiceRecords(state, tags),
        events,
        SearchService(state, training, endpoints),
    )
    for service in services:
        dispatcher.add_service(service)
    return UsageMetricPublisher(state, ledger)


def _reset_moto_after_last(state: SandboxState) -> None:
    """Let what moto keeps go with the last sandbox of this process."""
    _open_urls.discard(state.url)
    # What moto keeps is the process's, not one sandbox's.
    if not _open_urls:
        moto_api_backend.reset()


def _close_server(server: BaseWSGIServer, state: SandboxState) -> None:
    state.closing.set()
    # While the server still answers: what ends may have a last call to make.
    state.processes.close()
    server.shutdown()
    server.server_close()
    logging.shutdown()
