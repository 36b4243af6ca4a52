"""Whose a role's session is, as STS says it: by the source identity, where the session's name is a machine's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from opskit.aws.session import AwsSession, open_session
from opskit.aws.tagged_create import read_owner
from tests.fakes import xml_answers
from tests.fakes.fake_aws import FakeAws

ROLE = "arn:aws:iam::123456789012:role/team"
PLAIN = dict(xml_answers.XML_ANSWERS)


def session_arn(name: str) -> str:
    return f"arn:aws:sts::123456789012:assumed-role/team/{name}"


@pytest.fixture
def role_account(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An AWS in which the role is assumed with what the test sets: ``name`` of the session, and ``identity``."""
    told = {"name": "opskit", "identity": ""}

    def identity(aws: FakeAws, form: Mapping[str, str]) -> str:
        arn = session_arn(told["name"])
        return PLAIN["GetCallerIdentity"](aws, form).replace("arn:aws:iam::123456789012:user/somebody", arn)

    def assume(aws: FakeAws, form: Mapping[str, str]) -> str:
        source = f"</Credentials><SourceIdentity>{told['identity']}</SourceIdentity>"
        return PLAIN["AssumeRole"](aws, form).replace(
            "</Credentials>", source if told["identity"] else "</Credentials>"
        )

    answers = {**PLAIN, "GetCallerIdentity": identity, "AssumeRole": assume}
    monkeypatch.setattr("tests.fakes.fake_aws.XML_ANSWERS", answers)
    for name, value in fake_aws.environment().items():
        monkeypatch.setenv(name, value)
    yield told


def by_flag(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AwsSession:
    return open_session(role_arn=ROLE)


def by_profile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AwsSession:
    (folder / "config").write_text(
        f"[profile team]\nrole_arn = {ROLE}\ncredential_source = Environment\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    return open_session(profile="team")


@pytest.mark.parametrize("way", [by_flag, by_profile])
@pytest.mark.parametrize(
    ("name", "identity", "owner"),
    [
        ("opskit", "ada", session_arn("ada")),
        ("botocore-session-1700000000", "ada", session_arn("ada")),
        ("ada@example.com", "", session_arn("ada@example.com")),
        ("ada@example.com", "grace", session_arn("grace")),
    ],
)
def test_the_source_identity_is_the_owner_before_the_sessions_name(
    way: object,
    name: str,
    identity: str,
    owner: str,
    role_account: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    role_account |= {"name": name, "identity": identity}
    assert callable(way)
    assert read_owner(way(tmp_path, monkeypatch), None).name == owner
