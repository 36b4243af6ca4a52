"""The sandbox answers what opskit's commands call: itself, or by moto."""

from __future__ import annotations

import importlib
import inspect
from functools import cache

import pytest
from botocore import xform_name

from opskit.access.rules.permissions import API_CALLS, FLAG_CALLS
from tests.sandbox.test_dispatcher import owned_operations

NOT_ANSWERED = {
    "sagemaker:DescribeInferenceExperiment": "there are no such experiments, so that none is described",
    "sagemaker:DescribeUserProfile": "there are no user profiles",
    "iam:SimulatePrincipalPolicy": "answered as a form, which no service of the sandbox's owns",
}
"""Operations that are called and that the sandbox need not have, and why."""
CALLED = {call for calls in API_CALLS.values() for call in calls}
CALLED |= {call for flags in FLAG_CALLS.values() for calls in flags.values() for call in calls}


@cache
def moto_operations(service: str) -> frozenset[str]:
    """The names of what moto answers for a service."""
    module = importlib.import_module(f"moto.{service.replace('-', '')}.responses")
    classes = inspect.getmembers(module, inspect.isclass)
    return frozenset(name for _, made in classes for name in dir(made))


@pytest.mark.parametrize("call", sorted(CALLED - NOT_ANSWERED.keys()))
def test_what_a_command_calls_is_answered(call: str) -> None:
    service, operation = call.split(":")
    is_answered = (service, operation) in owned_operations() or xform_name(operation) in moto_operations(service)
    assert is_answered, f"answer {operation} in opskit/sandbox, or say in NOT_ANSWERED why nobody needs it there"


def test_nothing_stands_in_the_list_that_is_not_called() -> None:
    assert NOT_ANSWERED.keys() <= CALLED
