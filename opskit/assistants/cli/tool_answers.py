"""What each tool of ``opskit mcp`` answers: what the command of the same purpose prints with ``-o json``, and the
commands that would help, which are for a person to run. Nothing here changes an account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.regions import enabled_regions
from opskit.aws.session import AwsSession, open_session
from opskit.bills.flows import read_current_costs
from opskit.bills.render.costs import costs_result
from opskit.bills.rules.items import parse_grouping
from opskit.cli.safe_run import run_safely
from opskit.core.clock import Clock
from opskit.core.exceptions import OpskitError, UsageError
from opskit.core.settings import Settings
from opskit.endpoints.cli.app import read_endpoint_policy
from opskit.explain.flows import explain_text, with_suggestions
from opskit.explain.render import explain_result
from opskit.explain.rules.error_match import RegionHint
from opskit.guards.flows.plan_check import check_plan, read_planned_calls
from opskit.guards.reads.plan_files import parse_plan_text, read_plan_file
from opskit.guards.render.plan import plan_result
from opskit.guards.rules.call_budget import parse_policy
from opskit.guards.rules.planned_calls import check_operation
from opskit.increases.flows.plan import plan_with_totals
from opskit.increases.render.increase import increase_result
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import IncreaseTarget
from opskit.inventory.rules.running_resource import BilledVerdict
from opskit.output.result import CommandResult
from opskit.output.screen import printed_envelope
from opskit.quotas.flows.check import check_clients
from opskit.quotas.render.check import quota_check_result
from opskit.quotas.rules.headroom import increase_commands, wait_commands
from opskit.quotas.rules.requirements import TOTAL, check_requirements, parse_type_or_total, parse_workload

Commands = tuple[str, ...]
Answer = tuple[CommandResult, Commands]


@dataclass(frozen=True)
class ToolAnswers:
    """The answers of the tools, with these settings. A session is opened for each, so that credentials that were
    renewed since the server began are the ones that count.
    """

    settings: Settings

    def check_quotas(
        self, instance_types: Sequence[str], usages: Sequence[str], need: int, regions: Sequence[str]
    ) -> dict[str, Any]:
        """Quotas, what is in use, and whether there is room, as ``quotas check`` prints it."""

        def answer() -> Answer:
            if need < 1:
                raise UsageError("bad-count", f"need={need} is not a number of instances.", "It is at least 1.")
            requirements = check_requirements(instance_types, usages, need, every_usage=False)
            now = datetime.now(UTC)
            clients = self._open_clients(regions)
            check = check_clients([(client, requirements) for client in clients], now, suggest=True)
            commands = (*increase_commands(check.headrooms), *wait_commands(check.headrooms))
            return quota_check_result(check, None), commands

        return _run_as_json("quotas check", answer)

    def explain_error(self, text: str, region: str | None) -> dict[str, Any]:
        """What an error of AWS's means and which command helps, as ``quotas explain`` prints it."""

        def answer() -> Answer:
            said = None if region is None else RegionHint(region, "the tool's region")
            found = explain_text(text, said, self._configured_region)
            now, session = datetime.now(UTC), self._open_session
            found = tuple(with_suggestions(each, lambda name: session().client(name), now) for each in found)
            return explain_result(found), tuple(each.command for each in found if each.command)

        return _run_as_json("quotas explain", answer)

    def check_request(
        self, operation: str, request: Mapping[str, Any], max_usd: float | None, hours: float, region: str | None
    ) -> dict[str, Any]:
        """Whether there is room for one call, as ``guard --from`` judges its request."""
        return self._judge_document(lambda: request, operation, {}, (max_usd, hours), region)

    def check_plan(
        self,
        path: str | None,
        text: str | dict[str, Any] | list[Any] | None,
        parameters: Mapping[str, str],
        max_usd: float | None,
        hours: float,
        region: str | None,
    ) -> dict[str, Any]:
        """What a plan starts, and whether there is room for it, as ``guard --from`` prints it. ``text`` is the plan
        itself, also as the JSON that it holds.
        """

        def read_document() -> Any:
            if (path is None) == (text is None):
                raise UsageError("no-plan", "Give either the path of a file or its text.")
            if path == "-":
                raise UsageError("no-plan", "Standard input is the server's own.", "Pass the text as text.")
            if path is not None:
                return read_plan_file(path)
            return parse_plan_text(text, "The text") if isinstance(text, str) else text

        return self._judge_document(read_document, None, parameters, (max_usd, hours), region)

    def _judge_document(
        self,
        read_document: Callable[[], Any],
        operation: str | None,
        parameters: Mapping[str, str],
        budget: tuple[float | None, float],
        region: str | None,
    ) -> dict[str, Any]:
        def answer() -> Answer:
            most = self.settings.resolve("max-usd", None if budget[0] is None else str(budget[0]))
            policy = parse_policy(most, None, budget[1], "refuse")
            document, name = read_document(), check_operation(operation) if operation else None
            client = self._open_session(region).client()
            plan = read_planned_calls(document, client.region, name, parameters)
            found = check_plan(client, plan, policy, Clock())
            headrooms = found.check.headrooms
            return plan_result(found, None), (*increase_commands(headrooms), *wait_commands(headrooms))

        return _run_as_json("guard", answer)

    def list_costs(self, by: str | None, regions: Sequence[str]) -> dict[str, Any]:
        """What bills now, as ``costs`` prints it; the commands are those that end what is idle."""

        def answer() -> Answer:
            grouping = None if by is None else parse_grouping(by)
            if by is not None and grouping is None:
                raise UsageError("bad-by", f"by does not take '{by}'.", "It takes owner, kind, region or tag:KEY.")
            now = datetime.now(UTC)
            policy = read_endpoint_policy(self.settings)
            costs = read_current_costs(self._open_clients(regions), now, policy, trail=True)
            result = costs_result(costs, now, grouping, None)
            return result, tuple(_ends_of_idle(result.data["items"]))

        return _run_as_json("costs", answer)

    def plan_increase(
        self, instance_type: str, usages: Sequence[str], to: int, why: str, regions: Sequence[str]
    ) -> dict[str, Any]:
        """What ``quotas increase --dry-run`` plans, and the command that a person runs to ask for it."""

        def answer() -> Answer:
            if not usages:
                raise UsageError("incomplete", "Nothing says what the instances are for.", "Name a usage: training.")
            workloads = tuple(dict.fromkeys(parse_workload(word) for word in usages))
            parsed_type = parse_type_or_total(instance_type, workloads)
            targets = [IncreaseTarget(parsed_type, workload, to) for workload in workloads]
            increases, totals = plan_with_totals(self._open_clients(regions), targets, Channel.AUTO, datetime.now(UTC))
            sent = [increase for increase in increases if increase.will_send]
            commands = [_increase_command(parsed_type, usages, to, region) for region in _regions_of(sent)]
            return increase_result(increases, totals, why=why), tuple(commands)

        return _run_as_json("quotas increase", answer)

    def _open_session(self, region: str | None = None) -> AwsSession:
        return open_session(
            profile=self.settings.get("profile"),
            role_arn=self.settings.get("role-arn"),
            region=region or next(iter(self._named_regions()), None),
            read_seconds=self.settings.get("read-timeout").total_seconds(),
        )

    def _named_regions(self) -> list[str]:
        return [name for name in self.settings.get("regions") or () if name != "all"]

    def _open_clients(self, regions: Sequence[str]) -> list[AwsClient]:
        wanted = list(regions or self.settings.get("regions") or ())
        first = next((name for name in wanted if name != "all"), None)
        session = self._open_session(first)
        names = enabled_regions(session.client()) if "all" in wanted else wanted or [session.default_region]
        return [session.client(name) for name in dict.fromkeys(names)]

    def _configured_region(self) -> RegionHint | None:
        try:
            return RegionHint(self._open_session().default_region, "the server's Region")
        except OpskitError:  # no Region, or no such profile: the text is explained all the same
            return None


def _run_as_json(command: str, answer: Callable[[], Answer]) -> dict[str, Any]:
    """The answer as JSON. What goes wrong is in it, as it is in what a command prints."""
    commands: list[str] = []

    def work() -> CommandResult:
        result, found = answer()
        commands.extend(dict.fromkeys(found))
        return result

    printed = printed_envelope(tuple(command.split()), run_safely(work, verbose=False))
    return {**printed, "commands_for_a_person": commands}


def _regions_of(increases: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(increase.region for increase in increases))


def _increase_command(instance_type: str | None, usages: Sequence[str], to: int, region: str) -> str:
    uses = " ".join(f"--for {usage}" for usage in dict.fromkeys(usages))
    return f"opskit quotas increase {instance_type or TOTAL} {uses} --to {to} --region {region}"


def _ends_of_idle(items: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (
        str(item["stop_with"]) for item in items if item.get("stop_with") and BilledVerdict(item["verdict"]).is_idle
    )
