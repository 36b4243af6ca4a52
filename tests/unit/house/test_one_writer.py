"""A write put where it may not be is refused by name: each way is tried in a copy of the package."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore import credentials, tokens, utils

from opskit.aws import api_call
from opskit.aws.api_call import CREDENTIAL_CALLS, is_read
from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.client import AwsClient
from opskit.aws.session import assume_account_role, open_session
from opskit.aws.writer import AwsWriter
from tests.fakes.fake_aws import FakeAws
from tools.one_writer import find_writers

ROOT = Path(__file__).parents[3]
IMPORT = "from opskit.aws.writer import AwsWriter\n"


MISPLACED = {
    "the writer in flows": (IMPORT, "training/flows/train.py"),
    "the writer in render": (IMPORT, "training/render/train.py"),
    "the writer in reads": (IMPORT, "notebooks/reads/notebooks.py"),
    "boto3 outside of aws": ("import boto3\n", "training/flows/cleanup.py"),
    "a file in rules": ("import pathlib\n", "training/rules/job_names.py"),
    "a feature above": ("from opskit.training.flows import train\n", "quotas/flows/check.py"),
    "a call as it goes, in flows": ("from opskit.aws.api_call import send_call\n", "notebooks/flows/stop.py"),
    "a call as it goes, in reads": ("from opskit.aws.api_call import send_call\n", "quotas/reads/quotas.py"),
    "clients in flows": ("from opskit.aws.boto3_clients import Boto3Clients\n", "endpoints/flows/stop.py"),
    "a program in flows": ("import subprocess\n", "training/flows/follow.py"),
    "clients in reads": ("from opskit.aws.boto3_clients import Boto3Clients\n", "training/reads/s3.py"),
}
"""Lines that are each refused, and the file that each is put into."""


@dataclass(frozen=True)
class BrokenHouse:
    """A copy of the package with all those lines, and what import-linter and our own check say of it."""

    root: Path
    contracts: str


def _copy_house(root: Path) -> None:
    """The package, and what lint reads."""
    ignored = shutil.ignore_patterns("__pycache__", "sandbox")
    shutil.copytree(ROOT / "opskit", root / "opskit", ignore=ignored)
    (root / "opskit/sandbox").mkdir()
    (root / "opskit/sandbox/__init__.py").write_text('"""Stands for the sandbox, which is no part of this."""\n')
    contracts = (ROOT / "pyproject.toml").read_text()
    # The sandbox's own layers need the sandbox's files.
    kept = [part for part in contracts.split("[[tool.importlinter.contracts]]") if "opskit.sandbox.jobs" not in part]
    (root / "pyproject.toml").write_text("[[tool.importlinter.contracts]]".join(kept))


@pytest.fixture(scope="module")
def broken_house(tmp_path_factory: pytest.TempPathFactory) -> BrokenHouse:
    """One copy for all lines: to read the package costs more than anything else here."""
    root = tmp_path_factory.mktemp("house")
    _copy_house(root)
    for line, file in MISPLACED.values():
        _add_line(root / "opskit" / file, line)
    return BrokenHouse(root, _lint_imports(root))


def _add_line(file: Path, line: str) -> None:
    """Put a line of Python behind the imports from the future."""
    future = "from __future__ import annotations\n"
    assert future in file.read_text()
    file.write_text(file.read_text().replace(future, f"{future}{line}", 1))


def _lint_imports(root: Path) -> str:
    """What import-linter says of the copy; empty where it finds nothing."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ran = subprocess.run(
        command, cwd=root, env={"PYTHONPATH": str(root), "PATH": ""}, capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr if ran.returncode else ""


def test_the_house_as_it_is_passes(tmp_path: Path) -> None:
    _copy_house(tmp_path)
    assert _lint_imports(tmp_path) == ""


@pytest.mark.parametrize(("line", "file"), MISPLACED.values(), ids=MISPLACED)
def test_an_import_where_it_may_not_be_is_refused_by_name(broken_house: BrokenHouse, line: str, file: str) -> None:
    module = "opskit." + file.removesuffix(".py").replace("/", ".")
    imported = re.fullmatch(r"(?:from (\S+) )?import (\S+)\n", line)
    assert imported
    assert f"{module} -> {imported[1] or imported[2]}" in broken_house.contracts


def test_an_imported_writer_is_refused_by_our_own_check_too(tmp_path: Path) -> None:
    files = [tmp_path / file for line, file in MISPLACED.values() if line == IMPORT]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text((ROOT / "opskit" / file.relative_to(tmp_path)).read_text())
    assert find_writers(tmp_path) == []
    for file in files:
        _add_line(file, IMPORT)
    assert {finding.path for finding in find_writers(tmp_path)} == set(files)


WRITES = "from opskit.aws.writer import AwsWriter\n"
HANDED_ON = {
    "exported again": ("training/flows/x.py", "from opskit.training.changes.s3 import AwsWriter"),
    "through the module": ("training/render/x.py", "from opskit.training.changes import s3\ns3.AwsWriter"),
    "as an argument": ("training/reads/x.py", "def change(writer: 'AwsWriter') -> None: ..."),
    "given back": ("training/changes/x.py", "def hand_out(client: AwsClient) -> AwsWriter: ..."),
    "given back, without saying so": ("training/changes/x.py", "def hand_out(c: C) -> Writes: return AwsWriter(c)"),
    "given back as a method": ("training/changes/x.py", "def hand_out(c: C) -> Sends: return AwsWriter(c).call"),
    "given back as anything": ("training/changes/x.py", "def hand_out(client: AwsClient) -> Any: ..."),
    "taken": ("training/changes/x.py", "def change_with(writer: AwsWriter) -> None: ..."),
    "taken by a private function": ("training/changes/x.py", "def _change_with(writer: AwsWriter) -> None: ..."),
    "in a table": ("training/changes/x.py", "WRITERS = [AwsWriter]"),
    "under another name": ("training/changes/x.py", "from opskit.aws.writer import AwsWriter as W"),
    "as a variable": ("training/changes.py", "def change(c: C) -> None:\n    writer = AwsWriter(c)"),
    "for any operation": ("training/changes/x.py", "def change(c: C, do: str) -> None: AwsWriter(c).call('s3', do)"),
    "for any service": ("training/changes/x.py", "def change(c: C, at: str) -> None: AwsWriter(c).call_once(at, 'x')"),
    "for any of some": (
        "training/changes/x.py",
        "def end(c: C, k: str) -> None: AwsWriter(c).call('s3', f'delete_{k}')",
    ),
    "for any SDK call": (
        "training/changes/x.py",
        "def change(c: C, send: S) -> None: AwsWriter(c).call_via_sdk('s3', 'x', send)",
    ),
    "the SDK's objects": ("training/flows/x.py", "from opskit.training.sagemaker_sdk import load_sdk"),
    "the SDK's objects, through a module": (
        "training/render/x.py",
        "jobs.load_sdk().resources.Endpoint.get('x').delete()",
    ),
    "boto3, by a call": (
        "training/flows/x.py",
        "importlib.import_module('boto3').client('s3').delete_bucket(Bucket='b')",
    ),
    "boto3, by Python's own": ("quotas/reads/x.py", "__import__('boto3').client('s3').delete_bucket(Bucket='b')"),
    "boto3, by a call in changes": ("training/changes/x.py", "from importlib import import_module"),
    "a program, past subprocess": ("endpoints/flows/x.py", "os.posix_spawn('/usr/bin/aws', [], {})"),
    "boto3, among the modules": ("quotas/flows/x.py", "sys.modules['boto3'].client('s3').delete_bucket(Bucket='b')"),
    "boto3, asked for among the modules": ("quotas/flows/x.py", "from sys import modules"),
    "boto3, in another's namespace": ("quotas/flows/x.py", "open_session.__globals__['boto3']"),
    "a program, by asyncio": ("endpoints/flows/x.py", "asyncio.create_subprocess_shell('aws')"),
    "a program, on a terminal of its own": ("endpoints/flows/x.py", "pty.spawn(['aws'])"),
    "under another module's name": ("quotas/flows/x.py", "__name__ = 'opskit.training.changes.x'"),
    "in another module's namespace": ("quotas/flows/x.py", "FunctionType(f.__code__, {'__name__': 'x'})()"),
    "in a session of the same class": ("quotas/reads/x.py", "type(vars(session)['x'].boto3_session)().client('s3')"),
    "in a session of its class": ("quotas/reads/x.py", "session.__class__('x').client('s3')"),
    "as text that is run": ("cli/x.py", "exec('import boto3')"),
    "as text that is measured": ("quotas/flows/x.py", "import timeit"),
    "as a hint that is evaluated": ("quotas/flows/x.py", "from typing import get_type_hints"),
    "boto3, by its name": ("quotas/flows/x.py", "from pkgutil import resolve_name"),
    "boto3, by what is built in": ("quotas/flows/x.py", "__builtins__['__import__']('boto3')"),
    "boto3, as the module of an object": ("quotas/flows/x.py", "import inspect"),
    "a session, among all classes": ("quotas/flows/x.py", "object.__subclasses__()"),
    "a session's own clients": ("quotas/reads/x.py", "vars(session)['_boto3_clients'].client('s3')"),
    "a session's own clients, by name": ("quotas/reads/x.py", "getattr(session, '_boto3_clients').client('s3')"),
    "a client that nobody checks": ("quotas/reads/x.py", "client.meta.events.unregister('before-call')"),
    "what counts as a read": ("quotas/reads/x.py", "from opskit.aws import api_call\napi_call.READ_VERBS += ('x',)"),
    "what checks the caller": ("quotas/reads/x.py", "from opskit.aws import api_call as a\na.is_read = all"),
    "what checks the caller, by name": (
        "quotas/reads/x.py",
        "from opskit.aws import api_call\nsetattr(api_call, 'is_read', all)",
    ),
    "a request of its own": ("quotas/flows/x.py", "import urllib.request"),
    "a request of its own, on a connection": ("quotas/flows/x.py", "from http.client import HTTPSConnection"),
    "a request of its own, on a socket": ("quotas/flows/x.py", "import socket"),
    "a request of its own, by a package": ("quotas/flows/x.py", "import requests"),
    "the AWS CLI in this process": ("quotas/flows/x.py", "from awscli.clidriver import create_clidriver"),
    "the clock, in rules": ("quotas/rules/x.py", "from datetime import UTC, datetime\nWHEN = datetime.now(UTC)"),
    "chance, in rules": ("quotas/rules.py", "import secrets"),
    "a file, in rules": ("quotas/rules/x.py", "TEXT = open('x').read()"),
    "a system's own function": ("quotas/flows/x.py", "import ctypes"),
}


@pytest.mark.parametrize(("file", "line"), HANDED_ON.values(), ids=HANDED_ON)
def test_a_writer_that_is_handed_on_is_refused(tmp_path: Path, file: str, line: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws/api_call.py").touch()
    (tmp_path / file).write_text(f"{WRITES if 'changes' in file else ''}{line}\n")
    assert {finding.path for finding in find_writers(tmp_path)} == {tmp_path / file}


def test_a_writer_that_is_used_where_it_is_made_passes(tmp_path: Path) -> None:
    file = tmp_path / "training/changes.py"
    file.parent.mkdir()
    sends = "AwsWriter(c).call_via_sdk('s3', 'x', lambda s: load_sdk().resources.Model.create(session=s))"
    file.write_text(
        f"{WRITES}def end(c: C) -> None:\n    AwsWriter(c).call('s3', 'delete_bucket', Bucket='b')\n    {sends}\n"
    )
    assert find_writers(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("aws/connections.py", "from http.client import HTTPSConnection"),
        ("sandbox/server.py", "import urllib.request"),
        ("cli/x.py", "from opskit.aws import api_call\napi_call.call_hook = print"),
        ("quotas/flows/x.py", "import json\nfrom datetime import UTC"),
        ("quotas/flows/x.py", "getattr(error, 'code', None)"),
        ("quotas/rules/x.py", "from datetime import UTC\nfrom opskit.core.model import Quota"),
        ("quotas/flows/x.py", "from datetime import UTC, datetime\nWHEN = datetime.now(UTC)"),
    ],
)
def test_what_a_module_needs_is_imported_where_it_belongs(tmp_path: Path, file: str, line: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / "aws").mkdir(exist_ok=True)
    (tmp_path / "aws/api_call.py").touch()
    (tmp_path / file).write_text(f"{line}\n")
    assert find_writers(tmp_path) == []


def test_a_call_that_writes_is_refused_below_the_writer_too() -> None:
    source = "send_call(None, 'us-east-1', 'sagemaker', 'delete_endpoint', {}, writes=True)"
    with pytest.raises(PermissionError, match=r"training\.flows\.train may not call delete_endpoint"):
        exec(source, {"__name__": "opskit.training.flows.train", "send_call": api_call.send_call})


def test_a_writer_in_a_thread_of_its_own_is_refused() -> None:
    writer = AwsWriter(AwsClient(None, "us-east-1"))  # type: ignore[arg-type]
    with ThreadPoolExecutor() as pool, pytest.raises(PermissionError, match="nobody may call delete_endpoint"):
        pool.submit(writer.call, "sagemaker", "delete_endpoint", EndpointName="x").result()


@pytest.mark.parametrize("operation", ["invoke_endpoint_async", "search_and_delete", "create_endpoint"])
def test_what_only_begins_like_a_read_is_none(operation: str) -> None:
    assert not is_read(operation)


def test_a_write_through_the_reader_is_refused_when_it_runs() -> None:
    client = AwsClient(None, "us-east-1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="delete_endpoint changes something"):
        client.read("sagemaker", "delete_endpoint", EndpointName="x")


@pytest.mark.parametrize("call", ["call", "call_once", "call_via_sdk"])
@pytest.mark.parametrize("module", ["opskit.training.flows.train", "opskit.quotas.reads.quotas", "opskit.cli.command"])
def test_a_writer_that_got_out_refuses_to_work_elsewhere(module: str, call: str) -> None:
    writer = AwsWriter(AwsClient(None, "us-east-1"))  # type: ignore[arg-type]
    source = f"writer.{call}('sagemaker', 'delete_endpoint', **more)"
    more = {"send": None} if call == "call_via_sdk" else {"EndpointName": "x"}
    with pytest.raises(PermissionError, match=f"{module} may not call delete_endpoint"):
        exec(source, {"__name__": module, "writer": writer, "more": more})


@pytest.mark.parametrize("module", ["opskit.training.flows.train", "opskit.notebooks.reads.notebooks"])
def test_a_client_that_got_out_sends_no_write_and_every_read(module: str, fake_aws: FakeAws) -> None:
    client = Boto3Clients(boto3.Session(region_name="us-east-1")).client("sagemaker", "us-east-1")
    with pytest.raises(PermissionError, match=f"{module} may not call delete_endpoint"):
        exec("client.delete_endpoint(EndpointName='x')", {"__name__": module, "client": client})
    exec("client.list_endpoints()", {"__name__": module, "client": client})
    exec("client.delete_endpoint(EndpointName='x')", {"__name__": "opskit.training.changes.x", "client": client})
    assert [operation for operation, _ in fake_aws.calls] == ["ListEndpoints", "DeleteEndpoint"]


PAST_OPSKIT = {
    "a client of the session": "boto3_session.client('sagemaker', region_name='us-east-1').delete_endpoint",
    "a client of botocore's session": "boto3_session._session.create_client('sagemaker', 'us-east-1').delete_endpoint",
    "a client that the clients build": "clients._new_client('sagemaker', 'us-east-1').delete_endpoint",
}
"""Ways to a client past ``Boto3Clients.client``, from what ``vars(session)`` holds."""


@pytest.mark.parametrize("way", PAST_OPSKIT.values(), ids=PAST_OPSKIT)
def test_a_client_that_was_made_past_opskit_sends_no_write(way: str, fake_aws: FakeAws) -> None:
    clients = Boto3Clients(boto3.Session(region_name="us-east-1"))
    names = {"clients": clients, "boto3_session": clients.boto3_session}
    with pytest.raises(PermissionError, match=r"training\.flows\.train may not call delete_endpoint"):
        exec(f"{way}(EndpointName='x')", {"__name__": "opskit.training.flows.train", **names})
    exec(f"{way}(EndpointName='x')", {"__name__": "opskit.training.changes.x", **names})
    assert [operation for operation, _ in fake_aws.calls] == ["DeleteEndpoint"]


def test_a_client_of_an_assumed_role_sends_no_write_and_the_role_is_assumed(fake_aws: FakeAws) -> None:
    """boto3 assumes the role when it is first used, deep in a call of whatever module that is."""
    session = assume_account_role(open_session(region="us-east-1"), "arn:aws:iam::123456789012:role/opskit")
    reads = "session._boto3_clients.boto3_session.client('sagemaker').list_endpoints()"
    exec(reads, {"__name__": "opskit.fleet.flows.x", "session": session})
    writes = "session._boto3_clients.boto3_session.client('sagemaker').delete_endpoint(EndpointName='x')"
    with pytest.raises(PermissionError, match=r"fleet\.flows\.x may not call delete_endpoint"):
        exec(writes, {"__name__": "opskit.fleet.flows.x", "session": session})
    assert [operation for operation, _ in fake_aws.calls] == ["AssumeRole", "ListEndpoints"]


def test_what_botocore_calls_for_credentials_is_allowed_and_nothing_else() -> None:
    """Each call of botocore's own is a read, or one of those that give credentials: a release may add another."""
    own = {name for module in (credentials, tokens, utils) for name in _client_calls(inspect.getsource(module))}
    assert {name for name in own if not is_read(name)} == {operation for _, operation in CREDENTIAL_CALLS}
    assert {"assume_role", "get_role_credentials", "create_token"} <= own


def _client_calls(source: str) -> Iterator[str]:
    """The operations that a module calls of a client."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="client"), attr=name)):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="_client"), attr=name)):
                yield name
            case _:
                pass
