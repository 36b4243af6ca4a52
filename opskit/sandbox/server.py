"""One sandbox, from listening to the last child gone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from opskit.sandbox.children import Children
from opskit.sandbox.quota_book import QuotaBook
from opskit.sandbox.scenarios import SCENARIOS, Scenario
from opskit.sandbox.service_quotas import ServiceQuotas
from opskit.sandbox.wire import Front
from opskit.sandbox.workroom import workroom
from opskit.sandbox.world import World

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """How a sandbox is started. ``port`` 0 takes a free one; times are in seconds."""

    port: int = 0
    scenario: str = "fresh"
    approve_after_seconds: float = 30.0
    latency_seconds: float = 0.0
    rates: bool = False


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it listens and what a client's environment needs."""

    url: str
    scenario: Scenario

    def environment(self) -> dict[str, str]:
        """The variables that make any AWS client talk to this sandbox."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self.scenario.region,
            "AWS_REGION": self.scenario.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class _Quiet(MotoRequestHandler):
    """HTTP/1.1 (clients keep connections) and no line a request on the terminal."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@contextmanager
def sandbox(options: Options) -> Iterator[Sandbox]:
    """Run a sandbox on loopback for as long as the block lasts.

    Raises:
        OSError: the port is taken.
    """
    scenario = SCENARIOS[options.scenario]
    children = Children()
    with workroom() as folder:
        front = Front(DomainDispatcherApplication(create_backend_app), latency_seconds=options.latency_seconds)
        server = make_server(HOST, options.port, front, threaded=True, request_handler=_Quiet)
        world = World(f"http://{HOST}:{server.port}", folder, children)
        _furnish(front, world, scenario, options)
        thread = threading.Thread(target=server.serve_forever, name="sandbox", daemon=True)
        thread.start()
        try:
            scenario.seed(world)
            yield Sandbox(world.url, scenario)
        finally:
            _close(server, world)


def _furnish(front: Front, world: World, scenario: Scenario, options: Options) -> None:
    book = QuotaBook(world, scenario, options.approve_after_seconds)
    for room in (ServiceQuotas(world, scenario, book),):
        front.add(room)


def _close(server: BaseWSGIServer, world: World) -> None:
    world.closing.set()
    world.children.close()
    server.shutdown()
    server.server_close()
    logging.shutdown()
