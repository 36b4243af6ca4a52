"""opskit as it is, but that every call it makes of AWS is noted in the file that ``CALLS_GO_TO`` names, and held
against the command's policy: may this be done, to this resource? That no Jupyter is given up because the machine is
busy. And that the clock of a sandbox is as many hours ahead as the file says that ``HOURS_AHEAD`` names, and that there
is no Jupyter in the notebooks of its scenario where ``NOTEBOOKS_ARE_RECORDS`` is set.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from opskit.access.rules.command_words import command_at
from opskit.access.rules.grants import required_grants
from opskit.access.rules.permissions import FLAGS
from opskit.access.rules.policy import Scope, build_policy
from opskit.aws import api_call
from opskit.aws.session import AwsSession
from opskit.cli import main
from opskit.core.setting_values import TablePlace
from opskit.notebooks.reads import jupyter

PATIENCE_SECONDS = 600.0
"""What a Jupyter, or an AWS, gets for its answers: no machine is so busy, and what takes longer hangs."""
_FILE = Path(os.environ.get("CALLS_GO_TO", os.devnull))
_HERE = "us-east-1:123456789012"


def resource_of(service: str, params: Mapping[str, Any]) -> str:
    """The ARN of what a call's parameters name, as AWS builds it; ``*`` where they name nothing."""
    if "ResourceArn" in params:
        return str(params["ResourceArn"])
    if service == "s3":
        return f"arn:aws:s3:::{params['Bucket']}" + (f"/{params['Key']}" if "Key" in params else "")
    if service == "dynamodb":
        [table] = (
            {params.get("TableName")} - {None}
            or set(params.get("RequestItems") or ())
            or {write["Put"]["TableName"] for write in params["TransactItems"] if "Put" in write}
        )
        return f"arn:aws:dynamodb:{_HERE}:table/{table}"
    if "logGroupName" in params:
        return f"arn:aws:logs:{_HERE}:log-group:{params['logGroupName']}:log-stream:one"
    if "RoleName" in params:
        return f"arn:aws:iam::123456789012:role/{params['RoleName']}"
    if "QuotaCode" in params:
        return f"arn:aws:servicequotas:{_HERE}:sagemaker/{params['QuotaCode']}"
    named = next((key for key in params if key.endswith("Name")), None)
    if service.startswith("sagemaker") and named:
        instance_type = re.sub(r"(?<!^)(?=[A-Z])", "-", named.removesuffix("Name")).lower()
        return f"arn:aws:sagemaker:{_HERE}:{instance_type}/{params[named]}"
    return "*"


def policy_allows(command: str, call: str, resource: str) -> bool:
    """Whether the command's policy lets a call touch a resource. A bucket that is the user's own is for the settings
    to name, and what one delete takes out of a bucket stands in its body.
    """
    if call == "s3:DeleteObjects" or (call.startswith("s3:") and not resource.startswith("arn:aws:s3:::sagemaker-")):
        return True
    actions = {
        grant.action for grant in required_grants([call]) if grant.action not in ("sagemaker:AddTags", "iam:PassRole")
    }
    actions = actions or {grant.action for grant in required_grants([call])}
    # The policy of a command whose state is in a table is that with --state, which names it.
    table = resource.rpartition("/")[2] if call.startswith("dynamodb:") else None
    scope = Scope(("all",), state=TablePlace(table, None) if table else None)
    statements = (build_policy([command], scope, FLAGS) or {"Statement": []})["Statement"]
    covered = (arn for each in statements if actions & set(each["Action"]) for arn in each["Resource"])
    return not actions or any(fnmatchcase(resource, arn) for arn in covered)


def checked_call(command: str | None, beyond: Callable[[str], None]) -> Callable[..., dict[str, Any]]:
    """``api_call.send_call``, which tells ``beyond`` of each call that the command's policy does not cover.
    ``doctor`` tries what it may not do.
    """
    send = api_call.send_call

    def call(
        session: AwsSession, region: str, service: str, operation: str, params: Mapping[str, Any], *, writes: bool
    ) -> dict[str, Any]:
        name, resource = f"{service}:{api_call.pascal_case(operation)}", resource_of(service, params)
        if command and command != "doctor" and not policy_allows(command, name, resource):
            beyond(f"{name} on {resource}")
        return send(session, region, service, operation, params, writes=writes)

    return call


def _note_call(name: str, region: str = "") -> None:
    with _FILE.open("a") as file:
        file.write(f"{command_at(sys.argv[1:])}\t{name}\n")


def turn_clock(file: Path) -> None:
    """Let the file say by how many hours a sandbox's clock is ahead."""
    from opskit.sandbox.state import SandboxState

    def now(_: SandboxState) -> datetime:
        return datetime.now(UTC) + timedelta(hours=int(file.read_text()))

    SandboxState.now = now  # type: ignore[assignment,method-assign]


def leave_out_jupyters() -> None:
    """Let the notebooks of every scenario be there and count, those that run without a process."""
    from opskit.sandbox.scenarios import SCENARIOS, NotebookKind, NotebookSeed, Seed

    def recorded(seed: Seed) -> Seed:
        if isinstance(seed, NotebookSeed) and seed.kind is not NotebookKind.STOPPED:
            return replace(seed, kind=NotebookKind.RECORD)
        return seed

    for name, scenario in SCENARIOS.items():
        SCENARIOS[name] = replace(scenario, seeds=tuple(map(recorded, scenario.seeds)))


if __name__ == "__main__":
    jupyter.TIMEOUT_SECONDS = PATIENCE_SECONDS  # type: ignore[attr-defined]
    if "HOURS_AHEAD" in os.environ:
        turn_clock(Path(os.environ["HOURS_AHEAD"]))
    if "NOTEBOOKS_ARE_RECORDS" in os.environ:
        leave_out_jupyters()
    api_call.call_hook = _note_call
    api_call.send_call = checked_call(command_at(sys.argv[1:]), _note_call)
    main()
