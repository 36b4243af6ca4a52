"""Policies for people and programs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from opskit.access.rules.conditional_permissions import conditional_permissions
from opskit.access.rules.grants import Grant, allows_notebook_shells, makes_roles, passes_roles
from opskit.access.rules.policy import LARGEST_INLINE, LARGEST_MANAGED, Scope, policy_size
from opskit.core.exceptions import Problem
from opskit.core.json_text import ascii_json
from opskit.output.result import CommandResult


def policy_result(
    commands: Sequence[str], policy: Mapping[str, Any] | None, grants: Collection[Grant], scope: Scope
) -> CommandResult:
    """The answer of ``iam policy``: on the screen the policy alone, so that it can go into a file as it is. What IAM
    has no room for, since a policy has no comments, is said beside it.
    """
    text = policy_json(policy) if policy else f"This needs no permission at AWS: opskit {', opskit '.join(commands)}."
    besides = conditional_permissions({grant.action for grant in grants})
    data = {
        "commands": list(commands),
        "policy": policy,
        "besides": [{"actions": list(each.actions), "when": each.when} for each in besides],
    }
    problems = [*_warnings(grants, scope), *_size_warnings(policy)]
    if besides:
        told = "; ".join(f"{', '.join(each.actions)}: {each.when}" for each in besides)
        problems.append(Problem("besides", f"AWS may require more, depending on how the account is set up. {told}."))
    return CommandResult(data, problems=tuple(problems), notes=(text,))


def _size_warnings(policy: Mapping[str, Any] | None) -> Iterator[Problem]:
    size = policy_size(policy) if policy else 0
    if size > LARGEST_MANAGED:
        text = f"This policy has {size} characters, and a managed policy at most {LARGEST_MANAGED}."
        hint = (
            f"Print it for fewer commands at a time, or make it an inline policy of a role (at most {LARGEST_INLINE})."
        )
        yield Problem("policy-large", text, hint)


_SHELL_WARNING = Problem(
    "opens-shells",
    "sagemaker:CreatePresignedNotebookInstanceUrl is a shell in every notebook instance that it covers, with all that "
    "the instance's execution role may do.",
    "Narrow its Resource to the notebooks it is for. `opskit notebook stop --evidence logs` does without it.",
)
_ROLE_MAKER_WARNING = Problem(
    "makes-roles",
    "iam:CreateRole with iam:PutRolePolicy is an administrator in all but name, as far as the permissions boundary "
    "lets the role be one: whoever has both gives a role any permission that the boundary has.",
    "Make the boundary a policy that this policy's holder cannot change, or create the role once and name it with "
    "--role.",
)
_NAMED_ROLES_WARNING = Problem(
    "passes-roles",
    "iam:PassRole covers the roles that the SageMaker console creates (AmazonSageMaker-ExecutionRole-*) and "
    "opskit-notebook: whoever may pass a role to SageMaker can do all that it may.",
    "Name yours alone: opskit iam policy COMMAND --role ARN",
)


def _warnings(grants: Collection[Grant], scope: Scope) -> Iterator[Problem]:
    if allows_notebook_shells(grants):
        yield _SHELL_WARNING
    if makes_roles(grants):
        yield _ROLE_MAKER_WARNING
    if passes_roles(grants) and scope.role is None:
        yield _NAMED_ROLES_WARNING


def policy_json(policy: Mapping[str, Any]) -> str:
    """A policy as IAM takes it."""
    return ascii_json(policy, indent=2)
