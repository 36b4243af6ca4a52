"""What opskit says itself, pasted or piped into ``quotas explain``: by code in JSON, by shared phrases in text, so that
a message that is reworded is understood all the same.
"""

from __future__ import annotations

import json

import pytest
from botocore import exceptions as boto
from hypothesis import given
from hypothesis import strategies as st

from opskit.aws.errors import translate_error
from opskit.core.exceptions import AwsError
from opskit.core.message_phrases import (
    ABOVE_DEFAULT,
    NO_CAPACITY,
    NO_OPEN_CASES,
    NO_OPEN_REQUESTS,
    NO_PLAN,
    QUOTA_NOT_ADJUSTABLE,
    TYPE_NOT_OFFERED,
)
from opskit.core.model import NotOffered, Quota, Requirement, Workload
from opskit.explain.flows import explain_text
from opskit.explain.rules.error_rules import RULE_BY_KIND
from opskit.quotas.rules.headroom import assess_headroom
from opskit.quotas.rules.model import InUseCounts


def kinds(text: str) -> list[str]:
    return [found.match.kind.value for found in explain_text(text, None, lambda: None)]


def refused(code: str, message: str = "no") -> Exception:
    error: Exception = boto.ClientError({"Error": {"Code": code, "Message": message}}, "ListEndpoints")
    return error


URL = "https://api.sagemaker.us-east-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("ThrottlingException"), "throttled"),
        (refused("AccessDeniedException"), "denied"),
        (refused("ExpiredToken"), "credentials"),
        (refused("InvalidSignatureException", "Signature expired: 1 is now earlier than 2"), "clock"),
        (refused("OptInRequired"), "region-not-enabled"),
        (boto.EndpointConnectionError(endpoint_url=URL), "unreachable"),
        (boto.ReadTimeoutError(endpoint_url=URL), "unreachable"),
    ],
)
def test_an_error_of_aws_s_in_our_words_is_understood(error: Exception, kind: str) -> None:
    told = translate_error(error, "sagemaker:ListEndpoints", "eu-west-1", 10)
    assert isinstance(told, AwsError)
    assert kinds(f"opskit: {told.problem.message}") == [kind]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"{NO_OPEN_REQUESTS}: wait", "too-many-requests-open"),
        (f"{NO_OPEN_CASES}.", "too-many-requests-open"),
        (f"{QUOTA_NOT_ADJUSTABLE}.", "not-adjustable"),
        (f"{ABOVE_DEFAULT}, 4; the applied value was lowered.", "below-default"),
        (NO_PLAN, "no-support-plan"),
        (f"{NO_CAPACITY}; no quota helps.", "no-capacity"),
        (
            f"eu-west-1 {TYPE_NOT_OFFERED.format(type='ml.t3.medium', usage='training')}: no increase can help.",
            "not-offered",
        ),
    ],
)
def test_a_shared_phrase_is_understood(message: str, kind: str) -> None:
    assert kinds(message) == [kind]


def test_a_judgement_over_a_quota_is_understood_with_its_numbers() -> None:
    name = "ml.m5.large for training job usage"
    requirement = Requirement("ml.m5.large", Workload.TRAINING, 3)
    quota = Quota("eu-west-1", name, "L-611FA074", 4.0, 0.0, True)
    used = assess_headroom("eu-west-1", requirement, quota, InUseCounts({"ml.m5.large": 2}), ())
    [found] = explain_text(f"{name}: {used.reason}", None, lambda: None)
    assert (found.match.value, found.match.in_use) == (4, 2)
    unused = assess_headroom("eu-west-1", requirement, quota, InUseCounts({}), ())
    [found] = explain_text(f"{name}: {unused.reason} [eu-west-1]", None, lambda: None)
    assert found.match.value == 4
    absent = assess_headroom("eu-west-1", requirement, NotOffered("eu-west-1", name), InUseCounts({}), ())
    assert kinds(f"{name}: {absent.reason}") == ["not-offered"]


CODES = {code: kind.value for kind, rule in RULE_BY_KIND.items() for code in rule.own_codes}


@given(st.sampled_from(sorted(CODES)), st.text(st.characters(categories=["Ll", "Zs"]), max_size=40))
def test_an_error_in_our_json_is_known_by_its_code_however_it_is_worded(code: str, message: str) -> None:
    answer = {"opskit": 1, "errors": [{"code": code, "message": message, "hint": "", "region": "eu-west-1"}]}
    [found] = explain_text(json.dumps(answer), None, lambda: None)
    assert found.match.kind.value == CODES[code]
    assert found.region_hint is not None
    assert found.region_hint.region == "eu-west-1"
    assert found.reason
