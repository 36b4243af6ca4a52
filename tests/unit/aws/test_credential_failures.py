"""Every way in which botocore fails to find, fetch or use credentials, each brought about for real."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opskit.aws.credential_failures import find_mfa_serial
from opskit.aws.session import open_session
from opskit.core.exceptions import CREDENTIAL_CODES, AwsError, ClockSkew, CredentialsError, ExitCode
from opskit.explain.flows import explain_text
from tests.fakes.fixed_answer_server import FixedAnswer, fixed_answer_server
from tests.slow import serves

ROLE = "arn:aws:iam::111122223333:role/ds"
KEYS = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = x\n"
AS_ROLE = f"role_arn = {ROLE}\nsource_profile = keys\n"
SSO = "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 111122223333\n"

# A profile's settings, and what is said of it. {dir} is a folder of the test's.
PROFILES: dict[str, tuple[str, str]] = {
    "missing-program": ("credential_process = /opt/none/creds --json", "No such file or directory: /opt/none/creds"),
    "unclosed": ("credential_process = /bin/echo 'x", "No closing quotation"),
    "not-executable": ("credential_process = {dir}/plain", "Permission denied"),
    "fails": ("credential_process = {dir}/fails", "no ticket"),
    "silent": ("credential_process = /bin/false", "did not say why"),
    "html": ("credential_process = /bin/echo <html>", "did not print the JSON"),
    "a-list": ("credential_process = /bin/echo []", "did not print the JSON"),
    "half-process": ('credential_process = /bin/echo \'{{"Version": 1, "AccessKeyId": "A"}}\'', "SecretAccessKey"),
    "odd-expiry": ("credential_process = {dir}/soon", "did not print the JSON"),
    "expired": ("credential_process = {dir}/expired", "expired already"),
    "through-process": (f"role_arn = {ROLE}\nsource_profile = html", "did not print the JSON"),
    "no-token": (f"role_arn = {ROLE}\nweb_identity_token_file = /none/token", "No such file or directory: /none/token"),
    "no-role": ("web_identity_token_file = {dir}/plain", "role ARN"),
    "sso": (f"{SSO}sso_role_name = X", "SSO Token"),
    "sso-session": ("sso_session = none\nsso_account_id = 1\nsso_role_name = X", "sso-session does not exist"),
    "half-sso": (
        "sso_start_url = https://example.awsapps.com/start\nsso_account_id = 1",
        "missing required configuration",
    ),
    "no-source": (f"role_arn = {ROLE}\nsource_profile = gone", '"gone"'),
    "loop": (f"role_arn = {ROLE}\nsource_profile = loop2", "Infinite loop"),
    "loop2": (f"role_arn = {ROLE}\nsource_profile = loop", "Infinite loop"),
    "odd-source": (f"role_arn = {ROLE}\ncredential_source = Moon", '"Moon"'),
    "sourceless": (f"role_arn = {ROLE}", "missing: source_profile or credential_source"),
    "half": ("aws_access_key_id = AKIDEXAMPLE", "missing: aws_secret_access_key"),
    "nothing": ("output = json", "Unable to locate credentials"),
}
STEPS = {
    "missing-program": "Run that command yourself",
    "no-token": "web_identity_token_file",
    "sso": "aws sso login --profile sso",
    "no-source": "~/.aws/config",
    "nothing": "aws configure --profile nothing",
}
EXPIRY = '{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "{}"}}'


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text, status in (
        ("fails", "echo no ticket >&2", 3),
        ("soon", f"echo '{EXPIRY.format('soon')}'", 0),
        ("expired", f"echo '{EXPIRY.format('2020-01-01T00:00:00Z')}'", 0),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "plain").write_text("plain")
    profiles = [f"[profile {name}]\n{text.format(dir=tmp_path)}\n" for name, (text, _) in PROFILES.items()]
    mfa = f"[profile mfa]\n{AS_ROLE}mfa_serial = arn:aws:iam::111122223333:mfa/me\n"
    known = f"[profile keys]\n{KEYS}[profile role]\n{AS_ROLE}"
    (tmp_path / "config").write_text("".join([*profiles, mfa, known]))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
@serves
def sts_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FixedAnswer]:
    with fixed_answer_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


def failure_of(profile: str | None, role_arn: str | None = None) -> AwsError:
    with pytest.raises(AwsError) as caught:
        open_session(profile=profile, role_arn=role_arn, region="eu-west-1").client().read("sts", "get_caller_identity")
    assert caught.value.exit is ExitCode.AWS_ERROR
    return caught.value


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_that_gives_no_credentials_is_named_with_the_reason_and_the_step(profile: str) -> None:
    failure = failure_of(profile)
    _, reason = PROFILES[profile]
    assert isinstance(failure, CredentialsError)
    assert failure.problem.code in CREDENTIAL_CODES
    assert reason in failure.problem.message
    named = {"through-process": "html"}.get(profile, profile)
    assert f"the profile '{named}'" in failure.problem.message
    assert STEPS.get(profile, "") in failure.problem.hint
    assert failure.problem.hint
    assert failure.problem.region == "eu-west-1"


@pytest.mark.parametrize("profile", PROFILES)
def test_with_a_role_to_assume_it_is_the_same(profile: str) -> None:
    assert failure_of(profile, ROLE).problem.code in CREDENTIAL_CODES


@pytest.mark.parametrize("profile", [*PROFILES, "mfa"])
def test_what_is_said_of_a_profile_is_understood_by_explain(profile: str) -> None:
    problem = failure_of(profile).problem
    kinds = {found.match.kind.value for found in explain_text(f"opskit: {problem.message}", None, lambda: None)}
    assert kinds
    assert kinds <= {"credentials", "sign-in", "profile"}


ENVIRONMENTS: list[tuple[dict[str, str], str, str]] = [
    ({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}, "AWS_SECRET_ACCESS_KEY", "Check AWS_ACCESS_KEY_ID"),
    ({"AWS_CREDENTIAL_EXPIRATION": "soon"}, "soon", "AWS_CREDENTIAL_EXPIRATION"),
    ({"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}, "expired already", "AWS_CREDENTIAL_EXPIRATION"),
    ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/none/token", "AWS_ROLE_ARN": ROLE}, "/none/token", "AWS_ROLE_ARN"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x"}, "127.0.0.1:9", "AWS_CONTAINER"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"}, "example.com", "AWS_CONTAINER"),
    (
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/none/token",
        },
        "/none/token",
        "AWS_CONTAINER",
    ),
]


@pytest.mark.parametrize(("environment", "reason", "step"), ENVIRONMENTS, ids=lambda value: str(value)[:40])
def test_an_environment_that_gives_no_credentials_is_told_with_the_step(
    environment: dict[str, str], reason: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "AWS_CREDENTIAL_EXPIRATION" in environment:
        environment = {**environment, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    problem = failure_of(None).problem
    assert reason in problem.message
    assert step in problem.hint


def test_a_code_that_nobody_can_be_asked_for_is_not_asked_for(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.aws.boto3_clients.can_prompt_for_mfa", lambda: False)
    problem = failure_of("mfa").problem
    assert problem.code == "no-mfa-code"
    assert "'mfa'" in problem.message
    assert "get-session-token --serial-number arn:aws:iam::111122223333:mfa/me" in problem.hint
    assert capfd.readouterr().err == ""


def test_keys_in_the_environment_need_no_code_although_the_profile_would(
    sts_server: FixedAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.aws.boto3_clients.can_prompt_for_mfa", lambda: False)
    for name, value in (("PROFILE", "mfa"), ("ACCESS_KEY_ID", "AKIDEXAMPLE"), ("SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(f"AWS_{name}", value)
    sts_server.answer = xml_error("InvalidClientTokenId", "no such key")
    assert failure_of(None).problem.code == "credentials-refused"


def test_the_device_is_found_behind_the_profile_that_credentials_come_from() -> None:
    profiles = {
        "here": {"role_arn": ROLE, "source_profile": "there"},
        "there": {"role_arn": ROLE, "mfa_serial": "device", "source_profile": "keys"},
        "keys": {"mfa_serial": "of no role"},
        "round": {"role_arn": ROLE, "source_profile": "round"},
    }
    assert find_mfa_serial(profiles, "here") == "device"
    assert [find_mfa_serial(profiles, name) for name in ("keys", "round", "none", None)] == [None] * 4


def xml_error(code: str, message: str) -> tuple[int, bytes]:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return 403, f"<ErrorResponse>{error}</ErrorResponse>".encode()


DENIED = f"User: me is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
OFF = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (20260101T001500Z - 5 min.)"


@pytest.mark.parametrize("how", ["profile", "role-arn"])
@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (xml_error("AccessDenied", DENIED), "role-not-assumed", CredentialsError),
        (xml_error("InvalidClientTokenId", "The security token is invalid."), "credentials-refused", CredentialsError),
        (xml_error("SignatureDoesNotMatch", OFF), "clock-skew", ClockSkew),
    ],
)
def test_a_role_that_sts_does_not_give_is_told_as_that(
    how: str, answer: tuple[int, bytes], code: str, kind: type[AwsError], sts_server: FixedAnswer
) -> None:
    sts_server.answer = answer
    failure = failure_of("role") if how == "profile" else failure_of("keys", ROLE)
    assert isinstance(failure, kind)
    assert failure.problem.code == code
    if code == "role-not-assumed":
        assert "sts:AssumeRole" in failure.problem.message
        assert "Allow the action sts:AssumeRole" in failure.problem.hint


@pytest.mark.parametrize("is_in_environment", [False, True])
def test_credentials_that_aws_refuses_are_renewed_where_they_come_from(
    is_in_environment: bool, sts_server: FixedAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sts_server.answer = xml_error("ExpiredToken", "The token has expired.")
    monkeypatch.setenv("AWS_PROFILE", "keys")
    if is_in_environment:  # they come before a profile that was only set
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    problem = failure_of(None).problem
    assert problem.code == "credentials-refused"
    assert ("aws sso login --profile keys" in problem.hint) is not is_in_environment


def test_where_calls_go_is_known_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert open_session(profile="missing-program", region="eu-west-1").endpoint_id() == "http://127.0.0.1:9"


def test_credentials_that_cannot_be_fetched_anew_are_told_of_when_they_are_needed(
    tmp_path: Path, sts_server: FixedAnswer
) -> None:
    ran, program = tmp_path / "ran", tmp_path / "thrice"
    # botocore renews what lasts less than 10 minutes at each use: when found, when looked at, and when it signs.
    in_5_min = EXPIRY.format((datetime.now(UTC) + timedelta(minutes=5)).isoformat())
    count = f"echo >>{ran}; test $(wc -l <{ran}) -gt 3 && echo gone >&2 && exit 4"
    program.write_text(f"#!/bin/sh\n{count}\necho '{in_5_min}'\n")
    program.chmod(0o755)
    with (tmp_path / "config").open("a") as config:
        config.write(f"[profile thrice]\ncredential_process = {program}\n")
    who = "<GetCallerIdentityResult><Arn>a</Arn><UserId>u</UserId><Account>1</Account></GetCallerIdentityResult>"
    sts_server.answer = (200, f"<GetCallerIdentityResponse>{who}</GetCallerIdentityResponse>".encode())
    client = open_session(profile="thrice", region="eu-west-1").client()
    client.read("sts", "get_caller_identity")
    with pytest.raises(CredentialsError, match=r"'thrice' \(credential_process\): gone"):
        client.read("sts", "get_caller_identity")


def test_a_configuration_that_cannot_be_parsed_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile x\nnonsense")
    with pytest.raises(Exception, match="Unable to parse config file") as caught:
        open_session(region="eu-west-1")
    assert getattr(caught.value, "exit", None) is ExitCode.USAGE
