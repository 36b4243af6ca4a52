"""What opens doors is taken out of any text, and the rest stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.redaction import redact_secrets


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
        ("host:sts.amazonaws.com\nx-amz-security-token:IQoJhunter2\nx-amz-target:X", "IQoJhunter2"),
        ("https://s3.aws/k?X-Amz-Credential=hunter2%2F2026&X-Amz-Security-Token=abc", "hunter2"),
        ("redirect=https%3A%2F%2Fs3%3FX-Amz-Signature%3Dhunter2%26view%3Dlab", "hunter2"),
        ('{\\"SecretAccessKey\\": \\"hunter2\\", \\"view\\": 1}', "hunter2"),
        ("<SessionToken>hunter2</SessionToken><Expiration>2026</Expiration>", "hunter2"),
        ("token: hunter2", "hunter2"),
        ("x-amz-security-token: hunter", "hunter"),
        ("Token: abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"),
        ("<AWSAccessKeyId>hunter2</AWSAccessKeyId>", "hunter2"),
        ("your AWS Secret Access Key: hunter2", "hunter2"),
        ("the session token = hunter2", "hunter2"),
        ("--aws-access-key-id=hunter2", "hunter2"),
        ("not a valid key=value pair in Authorization header: 'Basic hunter2='", "hunter2"),
        ('{"authorization": "AWS4-HMAC-SHA256 hunter2"}', "hunter2"),
        ("the token IQoJb3JpZ2luX2VjEHsaCXVzLWVhc3QtMSJHMEU is not known", "IQoJb3JpZ2luX2VjEHsaCXVzLWVhc3QtMSJHMEU"),
        ("expired: FwoGZXIvYXdzEBYaDKexampleexample", "EBYaDKexample"),
        ("open eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
    ],
)
def test_a_secret_goes(text: str, secret: str) -> None:
    cleaned = redact_secrets(text)
    assert secret not in cleaned
    assert "[removed]" in cleaned
    assert redact_secrets(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "idle for 5 h: no kernel ran since 09:12",
        "ml.m4.xlarge for training job usage to 4",
        "https://github.com/aws/amazon-sagemaker-examples.git",
        "arn:aws:iam::123456789012:user/ada",
        "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.",
        "ExpiredToken: The security token included in the request is expired",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method.",
        "Error loading SSO Token: Token for corp does not exist",
        "NextToken=abc and nextToken: abc lead on",
        "Signature expired: 20130522T101112Z is now earlier than 20130522T103212Z (20130522T104712Z - 15 min.)",
        "AWS credentials: Unable to locate credentials.",
    ],
)
def test_the_rest_stays(text: str) -> None:
    assert redact_secrets(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "secret", "secret-", "secret access ", "x-amz-", "token", "token ", "token\n", "cookie ", "cookie: ", "a=",
        "a=b=", "authorization header ", "Authorization: ", "bearer ", "://a", "AKIA", "AKIA0 ", "eyJaaaaaaaa.",
        "IQoJb3", "%26", "\\", "'", "password%3D", "<secret>", "a-", "=", " ",
    ],
)  # fmt: skip
def test_a_text_costs_no_more_than_its_length(part: str) -> None:
    """What grows with the square of it would take minutes here."""
    for text in (part * 60_000, part * 60_000 + "!", "secret=" + part * 60_000):
        redact_secrets(text)


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    redact_secrets(text)
