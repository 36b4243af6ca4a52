"""What opens doors is taken out of any text, and the rest stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.decide.secrets import without_secrets


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://x.notebook.aws/?authToken=eyJhbGci&view=lab", "eyJhbGci"),
        ("https://s3.aws/b/k?X-Amz-Signature=deadbeef&X-Amz-Expires=60", "deadbeef"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ('{"SecretAccessKey": "wJalrXUtnFEMI", "SessionToken": "IQoJb3Jp"}', "wJalrXUtnFEMI"),
        ('{"SecretAccessKey": "wJalrXUtnFEMI", "SessionToken": "IQoJb3Jp"}', "IQoJb3Jp"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=x/20260101, Signature=deadbeef", "deadbeef"),
        ("Cookie: _xsrf=2|abc; session=topsecret", "topsecret"),
        ("Bearer abc.def.ghi", "abc.def.ghi"),
        ("git clone https://ada:ghp_token123@github.com/x/y", "ghp_token123"),
        ("the key AKIAIOSFODNN7EXAMPLE is inactive", "AKIAIOSFODNN7EXAMPLE"),
        ("DB_PASSWORD=hunter2 was set", "hunter2"),
    ],
)
def test_a_secret_goes(text: str, secret: str) -> None:
    cleaned = without_secrets(text)
    assert secret not in cleaned
    assert "[removed]" in cleaned
    assert without_secrets(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "idle for 5 h: no kernel ran since 09:12",
        "ml.m4.xlarge for training job usage to 4",
        "https://github.com/aws/amazon-sagemaker-examples.git",
        "arn:aws:iam::123456789012:user/ada",
    ],
)
def test_the_rest_stays(text: str) -> None:
    assert without_secrets(text) == text


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    without_secrets(text)
