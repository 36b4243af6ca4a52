"""How the home of opskit's state is named."""

from __future__ import annotations

import pytest

from opskit.core.exceptions import UsageError
from opskit.core.setting_values import TablePlace, parse_state_place

ARN = "arn:aws:dynamodb:us-west-2:123456789012:table/opskit"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("local", None),
        ("dynamodb://opskit", TablePlace("opskit", None)),
        ("dynamodb://Team_1.x?region=eu-central-1", TablePlace("Team_1.x", "eu-central-1")),
        ("dynamodb://opskit?region=us-gov-west-1", TablePlace("opskit", "us-gov-west-1")),
        (f"dynamodb://{ARN}", TablePlace(ARN, "us-west-2")),
    ],
)
def test_a_place_is_the_folder_or_a_table(text: str, place: TablePlace | None) -> None:
    assert parse_state_place(text) == place
    assert place is None or parse_state_place(str(place)) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "opskit",
        "dynamodb://",
        "dynamodb://ab",
        "dynamodb://a b c",
        "s3://opskit",
        "dynamodb:opskit",
        "dynamodb://opskit?region=",
        "dynamodb://opskit?region=Frankfurt",
        "dynamodb://opskit?profile=x",
        "dynamodb://opskit?region=us-east-1&region=us-east-2",
        f"dynamodb://{ARN}?region=us-east-1",
        "dynamodb://opskit/x",
        "dynamodb://" + "x" * 300,
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"^'|^The table") as refused:
        parse_state_place(text)
    assert "dynamodb://opskit?region=us-east-1" in refused.value.problem.hint
