"""AWS's own texts, and what happens to them on the way to whoever pastes them."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.aws.client import AwsClient
from opskit.aws.session import open_session
from opskit.explain.flows import explain_text, with_suggestions
from opskit.explain.render import explain_result
from opskit.explain.rules.error_match import ErrorKind, RegionHint
from opskit.explain.rules.explanations import Explanation
from tests.fakes.fake_aws import DENIED, Entry, FakeAws

TEXTS: list[dict[str, Any]] = json.loads((Path(__file__).with_name("error_messages.json")).read_text(encoding="utf-8"))
SHORT = next(each["message"] for each in TEXTS if "ml.p3.8xlarge" in each["message"])
NOT_OFFERED = "The requested resource training-job/ml.t3.medium is not available in this region"


def explained(text: str, said: RegionHint | None = None) -> tuple[Explanation, ...]:
    return explain_text(text, said, lambda: None)


def names(text: str) -> list[tuple[str, str]]:
    return [(explanation.match.kind.value, explanation.match.name) for explanation in explained(text)]


def in_a_traceback(text: str) -> str:
    return (
        'Traceback (most recent call last):\n  File "/opt/conda/lib/python3.11/site-packages/botocore/client.py", line '
        "569, in _api_call\n    return self._make_api_call(operation_name, kwargs)\n"
        "botocore.errorfactory.ResourceLimitExceeded: An error occurred (ResourceLimitExceeded) when calling the "
        f"CreateTrainingJob operation: {text}"
    )


def in_a_rich_frame(text: str) -> str:
    lines = [f"│ {line:<70} │" for line in textwrap.wrap(text, 70)]
    return "\n".join(["╭─ Traceback ─╮", *lines, "╰─────────────╯"])


ON_THE_WAY: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "SDK prefix": lambda text: (
        f"ClientError: An error occurred (ResourceLimitExceeded) when calling the CreateTrainingJob operation: {text}"
    ),
    "traceback": in_a_traceback,
    "rich frame": in_a_rich_frame,
    "CloudFormation": lambda text: (
        f'Resource handler returned message: "{text} (Service: SageMaker, Status Code: 400, Request ID: '
        'dee8f280-204c-4c1e-8e44-ce39d51af947)" (RequestToken: 1, HandlerErrorCode: ServiceLimitExceeded)'
    ),
    "wrapped at spaces": lambda text: textwrap.fill(text, 40),
    "cut by a console": lambda text: "\n".join(text[at : at + 37] for at in range(0, len(text), 37)),
    "quoted in mail": lambda text: textwrap.indent(textwrap.fill(text, 60), "> > "),
    "umlauts": lambda text: (
        f"Übersicht für Jürgen: das Training schlug fehl — größer geht’s nicht:\n{text}\nViele Grüße"
    ),
    "coloured": lambda text: f"\x1b[1;31m{text[:30]}\x1b[0m\x1b[31m{text[30:]}\x1b[0m",
    "colours without their escape": lambda text: f"[31m{text[:30]}[0m{text[30:]}",
    "HTML": html.escape,
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps({"errorMessage": json.dumps({"cause": text})}),
    "JSON of Go": lambda text: json.dumps(text).replace("'", "\\u0027"),
    "curly quotes": lambda text: text.replace("'", "‘", 1).replace("'", "’"),
    "German quotes": lambda text: text.replace("'", "„", 1).replace("'", "“"),
    "quotes eaten by a shell": lambda text: text.replace("'", ""),
    "half a character": lambda text: f"\udce4\ud800{text}",
    "NULs": "\0".join,
    "CRLF": lambda text: textwrap.fill(text, 50).replace("\n", "\r\n"),
    "upper case": str.upper,
}


@pytest.mark.parametrize("way", ON_THE_WAY)
def test_every_text_is_understood_whatever_it_went_through(way: str) -> None:
    for known in TEXTS:
        means = known["means"]
        found = explained(ON_THE_WAY[way](known["message"]))
        assert [explanation.match.kind.value for explanation in found] == [means["kind"]], known["message"]
        [only] = found
        told = only.match
        assert only.command == means["command"]
        assert (told.value, told.in_use, told.need) == tuple(means.get(key) for key in ("applied", "in_use", "need"))
        assert only.reason


@pytest.mark.parametrize("known", TEXTS[:8], ids=lambda known: known["message"][:60])
def test_a_short_quota_is_none_of_ec2_s(known: dict[str, Any]) -> None:
    [only] = explained(known["message"])
    assert only.increase_helps
    assert "raising an EC2 limit changes nothing" in only.reason


@pytest.mark.parametrize("known", TEXTS[:8], ids=lambda known: known["message"][:60])
def test_what_opskit_says_of_it_is_understood_again(known: dict[str, Any]) -> None:
    first = explain_text(known["message"], RegionHint("eu-west-3", "--region"), lambda: None)[0]
    [again] = explained(f"opskit: AWS refused: {first.reason}\n        {first.command}")
    assert again.region_hint == RegionHint("eu-west-3", "text")
    assert (again.command, again.match.name) == (first.command, first.match.name)
    assert (again.match.value, again.match.need) == (first.match.value, first.match.need)


@pytest.mark.parametrize("text", [NOT_OFFERED, "CapacityError: Unable to provision requested ML compute capacity."])
def test_where_no_increase_helps_it_says_so_and_what_does(text: str) -> None:
    [only] = explained(text)
    assert only.increase_helps is False
    assert "o increase helps" in only.reason
    assert "another instance type" in only.hint
    assert "another Region" in only.hint or "a Region that has it" in only.hint


def test_names_lead_to_those_of_service_quotas_and_to_their_codes() -> None:
    short = "The account-level service limit '{}' is 0 Apps"
    [loose] = explained(short.format("KernelGateway Apps running on ml.t3.medium instance"))
    assert (loose.match.name, loose.code) == (
        "Studio KernelGateway Apps running on ml.t3.medium instance",
        "L-EAC6F82B",
    )
    [plural] = explained(short.format("JupyterLab Apps running on ml.t3.medium instance"))
    assert (plural.match.name, plural.code) == (
        "Studio JupyterLab Apps running on ml.t3.medium instances",
        "L-71FAF417",
    )


def test_a_quota_that_opskit_has_no_words_for_is_asked_for_with_the_aws_cli() -> None:
    [only] = explained(
        "The account-level service limit 'Maximum number of serverless endpoints' is 5 Endpoints, with current "
        "utilization of 5 Endpoints and a request delta of 1 Endpoints. [eu-west-1]"
    )
    assert only.command == (
        "aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-99AD19BF "
        "--desired-value 6 --region eu-west-1"
    )


def test_a_quota_that_nobody_knows_keeps_its_name_and_leads_to_the_console() -> None:
    [only] = explained("The account-level service limit 'Number of  flying\n  Carpets' is 1 Carpets")
    assert (only.match.name, only.command) == ("Number of flying Carpets", None)
    assert "console.aws.amazon.com/servicequotas" in only.hint


def test_a_text_that_is_cut_off_tells_what_is_left() -> None:
    for length in range(len("The account-level service limit 'ml.p3.8xlarge for training jo"), len(SHORT)):
        [only] = explained(SHORT[:length])
        told = only.match
        assert told.name == "ml.p3.8xlarge for training job usage", SHORT[:length]
        assert told.value in (None, 2)
        assert told.in_use in (None, 3)
        assert told.need in (None, 1)
        verb, to = ("check", "") if told.value is None else ("increase", " --to ")
        assert str(only.command).startswith(f"opskit quotas {verb} ml.p3.8xlarge --for training{to}")


@pytest.mark.parametrize("tail", ["...", "…", "'", ""])
def test_a_number_that_is_cut_off_is_no_number(tail: str) -> None:
    text = "service limit 'ml.m4.xlarge for training job usage' is 120 Instances, with current utilization of 1"
    [only] = explained(text + tail)
    assert (only.match.value, only.match.in_use) == (120, None)


def test_several_errors_are_told_one_by_one_and_repeats_once() -> None:
    text = "\n".join(each["message"] for each in TEXTS[:9])
    found = explained(f"{text}\n{text}")
    assert len(found) == 9
    assert [explanation.match.kind for explanation in found].count(ErrorKind.QUOTA_SHORT) == 8


ARN = "arn:aws:sagemaker:eu-central-1:123456789012:training-job/x"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (f"{SHORT} {ARN}", [("eu-central-1", "arn")]),
        (f"{ARN}: {SHORT}", [("eu-central-1", "arn")]),
        (f"https://api.sagemaker.ap-southeast-2.amazonaws.com/: {SHORT}", [("ap-southeast-2", "text")]),
        (f"opskit train boston --region us-gov-west-1\n{SHORT}", [("us-gov-west-1", "text")]),
        (f"{SHORT} [us-east-1]\n{NOT_OFFERED} [eu-west-1]", [("us-east-1", "text"), ("eu-west-1", "text")]),
        (f"us-east-1: {SHORT}\neu-west-1: {NOT_OFFERED}", [("us-east-1", "text"), ("eu-west-1", "text")]),
        (f"us-east-1: {SHORT}\neu-west-1: {SHORT}", [("us-east-1", "text"), ("eu-west-1", "text")]),
        (SHORT, [None]),
    ],
)
def test_the_region_is_the_text_s_own(text: str, places: list[tuple[str, str] | None]) -> None:
    found = [
        explanation.region_hint and (explanation.region_hint.region, explanation.region_hint.source)
        for explanation in explained(text)
    ]
    assert found == places


def test_a_region_that_is_named_wins_and_a_region_that_is_set_fills_in() -> None:
    said, set_here = RegionHint("eu-north-1", "--region"), RegionHint("sa-east-1", "AWS_DEFAULT_REGION")
    assert explain_text(f"{SHORT} {ARN}", said, lambda: None)[0].region_hint == said
    [filled] = explain_text(SHORT, None, lambda: set_here)
    assert filled.region_hint == set_here
    assert filled.command == "opskit quotas increase ml.p3.8xlarge --for training --to 4 --region sa-east-1"


def test_a_region_that_is_set_is_not_asked_for_where_the_text_names_one() -> None:
    def unwanted() -> RegionHint | None:
        raise AssertionError("asked")

    assert explain_text(f"{SHORT} {ARN}", None, unwanted)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "hello", "Traceback (most recent call last):", "limit '", "ml.m4.xlarge", "us-east-1 eu-west-1"),
        "KeyError: 'x'",
        "The object is located in eu-west-1, not in us-east-1.",
    ],
)
def test_what_is_no_error_is_not_explained(text: str) -> None:
    assert explained(text) == ()


def test_a_bare_name_or_code_is_enough() -> None:
    assert names("What is ml.m4.xlarge for training job usage?") == [
        ("quota-short", "ml.m4.xlarge for training job usage")
    ]
    assert names("quota L-A373146E, please") == [("quota-short", "ml.m4.xlarge for training job usage")]


PIECES = st.sampled_from(
    [
        *(each["message"] for each in TEXTS), "limit '", "' is ", "is 0 Instances", "ml.", "ml.m4.xlarge", "L-A373146E",
        '{"opskit": 1, "data": {"quotas": [', '{"opskit"', "]}}", "requested resource ", "/ml.t3.medium", "\x1b[", "&#",
        "status (", ") not in ([", "arn:aws:", "9" * 400, "\\u0027", "'" * 50, " " * 50, "\ud800", "\0",
    ]
)  # fmt: skip
REGIONS = st.sampled_from(["us-east-1 ", "eu-west-1 ", f"{ARN} ", "'us-gov-west-1'"])


@given(
    st.one_of(
        st.text(),
        st.lists(st.one_of(REGIONS, st.text(max_size=20)), max_size=6).map("".join),
        st.lists(st.one_of(PIECES, REGIONS, st.text(max_size=20)), max_size=12).map("".join),
    )
)
def test_no_text_is_too_odd(text: str) -> None:
    for explanation in explained(text):
        assert explanation.reason
        explanation.reason.encode()
        assert "\x1b" not in f"{explanation.reason}{explanation.hint}{explanation.command}"


@pytest.mark.parametrize(
    "part",
    ["limit'", "limit 'a", " ", "'", "ml.", "is0a", "&amp;", "\x1b[", "\\", "9", '{"opskit": [', "status(", "| ", "é"],
)
def test_no_text_is_too_long(part: str) -> None:
    explained(part * (60_000 // len(part)))


def test_with_credentials_it_names_types_that_have_room_now(fake_aws: FakeAws, no_backoff: None) -> None:
    other = Entry("ml.m5.large for training job usage", "L-611FA074", applied=3.0)
    total = Entry("Number of instances across all training jobs", "L-00C91CB5", applied=20.0)
    fake_aws.quotas = [other, total]
    [found] = explained(f"{NOT_OFFERED} [us-east-1]")
    with_room = with_suggestions(found, open_session(region="us-east-1").client, datetime.now(UTC))
    assert [alternative.instance_type for alternative in with_room.alternatives] == ["ml.m5.large"]
    assert "3 x ml.m5.large" in explain_result([with_room]).notes[0]


def test_where_aws_does_not_answer_the_explanation_stays(fake_aws: FakeAws, no_backoff: None) -> None:
    fake_aws.fault = lambda operation, region: DENIED
    [found] = explained(f"{NOT_OFFERED} [us-east-1]")
    assert with_suggestions(found, open_session(region="us-east-1").client, datetime.now(UTC)).alternatives == ()


def test_what_another_type_cannot_help_is_not_looked_for() -> None:
    def unwanted(region: str) -> AwsClient:
        raise AssertionError("asked")

    for text in (f"{SHORT} [us-east-1]", NOT_OFFERED, "CapacityError: Unable to provision [us-east-1]"):
        for explanation in explained(text):
            assert with_suggestions(explanation, unwanted, datetime.now(UTC)) == explanation
