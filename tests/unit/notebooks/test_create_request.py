from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import ExitCode, UsageError
from opskit.core.tags import is_tag_value, sanitize_tag_value
from opskit.notebooks.rules.create_request import (
    NotebookSpec,
    parse_notebook_spec,
    parse_tags,
)


def test_what_is_not_said_is_what_the_course_takes() -> None:
    assert parse_notebook_spec("lab", None) == NotebookSpec("lab", "ml.t2.medium", type_explicit=False, volume_gb=5)


def test_what_is_said_counts() -> None:
    url = "https://github.com/udacity/sagemaker-deployment.git"
    spec = parse_notebook_spec(
        "a-1", "ML.M4.XLARGE", role="r", git=url, volume_gb=20, tags=["team=blue", "note=a=b"], guard=False
    )
    tags = {"team": "blue", "note": "a=b"}
    assert spec == NotebookSpec("a-1", "ml.m4.xlarge", role="r", git=url, volume_gb=20, tags=tags, guard=False)


@pytest.mark.parametrize(
    ("typed", "code", "hint"),
    [
        ({"name": ""}, "bad-name", "letters, digits and hyphens"),
        ({"name": "my lab"}, "bad-name", ""),
        ({"name": "lab_1"}, "bad-name", ""),
        ({"name": "-lab"}, "bad-name", ""),
        ({"name": "lab-"}, "bad-name", ""),
        ({"name": "läb"}, "bad-name", ""),
        ({"name": "lab\n"}, "bad-name", ""),
        ({"name": "a" * 64}, "bad-name", "1 to 63"),
        ({"instance_type": "m1.m4.xlarge"}, "bad-instance-type", "Did you mean ml.m4.xlarge?"),
        ({"instance_type": ""}, "bad-instance-type", ""),
        ({"volume_gb": 4}, "bad-volume", ""),
        ({"volume_gb": 16385}, "bad-volume", ""),
        ({"git": "git@github.com:udacity/course.git"}, "bad-repository", "https"),
        ({"git": "http://github.com/udacity/course"}, "bad-repository", ""),
        ({"git": ""}, "bad-repository", ""),
        ({"git": "https://me:hunter2@github.com/me/private"}, "secret-in-url", "Leave it out"),
        ({"tags": ["blue"]}, "bad-tag", "team=blue"),
        ({"tags": ["=blue"]}, "bad-tag", ""),
        ({"tags": ["why=because!"]}, "bad-tag", "letters, digits, spaces"),
        ({"tags": ["k" * 129 + "=v"]}, "bad-tag", "at most 128"),
        ({"tags": ["AWS:owner=me"]}, "bad-tag", ""),
        ({"tags": ["a=1", "a=2"]}, "bad-tag", ""),
        ({"tags": [f"k{number}=v" for number in range(51)]}, "bad-tag", ""),
    ],
)
def test_what_aws_would_not_take_is_said_before_any_call(typed: dict[str, Any], code: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_notebook_spec(**{"name": "lab", "instance_type": None, **typed})
    problem = caught.value.problem
    assert (problem.code, caught.value.exit) == (code, ExitCode.USAGE)
    assert hint in problem.hint
    assert "hunter2" not in f"{problem}"


@pytest.mark.parametrize("name", ["a", "7", "a--b", "a" * 63, "Lab-2"])
def test_every_name_that_aws_takes_is_taken(name: str) -> None:
    assert parse_notebook_spec(name, None).name == name


@given(st.text(max_size=400))
def test_any_text_can_be_made_a_tag_value_and_one_that_is_one_keeps_its_words(text: str) -> None:
    value = sanitize_tag_value(text)
    assert is_tag_value(value)
    if is_tag_value(text):
        assert value == " ".join(text.split())


def test_the_same_tag_twice_is_one() -> None:
    assert parse_tags(["a=1", "a=1"]) == {"a": "1"}
