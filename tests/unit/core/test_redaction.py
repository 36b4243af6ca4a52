"""What opens doors is taken out of any text, and the rest stays."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.access.rules.permissions import API_CALLS
from opskit.access.rules.policy import Scope, build_policy
from opskit.core.redaction import redact_secrets, redact_values
from opskit.output.embedded_text import csv_cell, markdown_cell, markdown_paragraph
from opskit.output.printing import visible_text
from tests.processor_time import processor_seconds, takes_less_than


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
def test_redaction_removes_secrets(text: str, secret: str) -> None:
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
        "/etc/passwd: Permission denied",
        "Could not read '/nowhere/secret': No such file or directory.",
        "Could not read 'api-key': it is not UTF-8 text.",
    ],
)
def test_redaction_keeps_what_is_no_secret(text: str) -> None:
    assert redact_secrets(text) == text


@pytest.mark.parametrize(
    "name",
    ["EACCES", "EEXIST", "EINVAL", "EIO", "EISDIR", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR", "EPERM", "EROFS"],
)
def test_redaction_keeps_why_a_file_with_a_password_s_name_cannot_be_read(name: str) -> None:
    text = f"Could not read '/etc/passwd': {os.strerror(getattr(errno, name))}."
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
    for text in (part * 10_000, part * 10_000 + "!", "secret=" + part * 10_000):
        redact_secrets(text)


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    redact_secrets(text)


TEXTS = {
    "log": "2026-11-26 [0]#011train-rmse:19.6015 token=abc https://ada:pw@host/x?X-Amz-Signature=dead Bearer abc.def\n",
    "names": "secret-access_key ",
    "marks": "<b>[x](y)`*_~$|\\\n",
    "escapes": "\x1b[31m\u202e",
}


@pytest.mark.parametrize("work", [redact_secrets, visible_text, markdown_cell, markdown_paragraph, csv_cell])
@pytest.mark.parametrize("part", TEXTS)
def test_a_long_text_costs_four_times_what_a_quarter_does(work: Callable[[str], object], part: str) -> None:
    """Growth with the square would be sixteen times."""
    whole = TEXTS[part] * (60_000 // len(TEXTS[part]))
    quarter = processor_seconds(lambda: work(whole[: len(whole) // 4]))
    assert takes_less_than(10 * max(quarter, 0.002), lambda: work(whole))


def test_values_are_redacted_by_their_names_and_forms() -> None:
    told = redact_values(
        {"a": ["https://ada:pw@h/", 1, None], "password": "hunter2", "b": {"SessionToken": "x"}, "c": "d"}
    )
    assert told == {
        "a": ["https://[removed]@h/", 1, None],
        "password": "[removed]",
        "b": {"SessionToken": "[removed]"},
        "c": "d",
    }


@pytest.mark.parametrize("command", [path for path in API_CALLS if API_CALLS[path]])
def test_no_policy_loses_a_word(command: str) -> None:
    policy = json.dumps(build_policy([command], Scope()))
    assert redact_secrets(policy) == policy
