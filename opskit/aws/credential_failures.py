"""Why there are no credentials to be had. botocore looks for them in a dozen places, and each fails in its own way:
with an error of botocore's, or with whatever Python raised while it read a file, ran a program or parsed an answer. So
a failure is told by the place that was tried, which the traceback names, and not by the type of the error alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opskit.core.exceptions import AwsError, CredentialsError
from opskit.core.message_phrases import MFA_CODE_NEEDED, NO_CREDENTIALS, ROLE_NOT_ASSUMED, SIGN_IN_NEEDED
from opskit.core.redaction import redact_secrets

# What was tried, by botocore's name of the place, and what to do where it fails; {flag} is --profile NAME, if any.
_PLACES: Mapping[str, tuple[str, str]] = {
    "custom-process": (
        "credential_process",
        "Run that command yourself: it has to print JSON with Version 1, AccessKeyId and SecretAccessKey, and exit "
        "with 0.",
    ),
    "assume-role-with-web-identity": (
        "web identity",
        "Check web_identity_token_file and role_arn of the profile, or AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN.",
    ),
    "container-role": (
        "container",
        "Check AWS_CONTAINER_CREDENTIALS_FULL_URI (or _RELATIVE_URI) and AWS_CONTAINER_AUTHORIZATION_TOKEN (or "
        "_TOKEN_FILE): what answers there gives the credentials.",
    ),
    "assume-role": (
        "assume role",
        "Check role_arn and source_profile (or credential_source) of the profile, and the role's trust policy.",
    ),
    "env": (
        "environment",
        "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_CREDENTIAL_EXPIRATION.",
    ),
    "iam-role": (
        "instance role",
        "Check that the instance has a role, and that its metadata service can be reached.",
    ),
    "login": ("login", "Run `aws login{flag}`."),
    "sso": ("SSO", "Run `aws sso login{flag}`."),
}
_FETCHERS = {
    "AssumeRoleCredentialFetcher": "assume-role",
    "AssumeRoleWithWebIdentityCredentialFetcher": "assume-role-with-web-identity",
    "SSOCredentialFetcher": "sso",
}
_PREFIX = "Error when retrieving credentials from "


def renew_hint(profile: str | None = None) -> str:
    """What to do where credentials are missing or refused."""
    flag = _profile_flag(profile)
    name = "" if profile else ", or set AWS_PROFILE"
    return (
        f"Run `aws configure{flag}` or `aws sso login{flag}`{name}; `aws sts get-caller-identity{flag}` shows who you "
        "are."
    )


def find_mfa_serial(profiles: Mapping[str, Any], profile: str | None) -> str | None:
    """The MFA device that a profile, or one it takes its credentials from, asks a code of; None if there is none.
    ``profiles`` are the settings of all profiles by name.
    """
    name: str | None = profile or "default"
    seen = set[str]()
    # Profiles may name each other as their source.
    while name is not None and name not in seen:
        seen.add(name)
        settings = profiles.get(name) or {}
        if settings.get("role_arn") and settings.get("mfa_serial"):
            return str(settings["mfa_serial"])
        name = settings.get("source_profile")
    return None


def can_prompt_for_mfa() -> bool:
    """Whether an MFA code can be asked for; Python asks on the terminal itself, whatever standard input is."""
    try:
        with Path("/dev/tty").open("rb"):
            return True
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()


def mfa_code_missing(profile: str | None, serial: str | None, region: str | None = None) -> CredentialsError:
    """The failure of a profile that asks for an MFA code where nobody can be asked."""
    device = f" of {serial}" if serial else ""
    text = f"{_profile_words(profile)} {MFA_CODE_NEEDED}{device}, and there is no terminal to enter it."
    hint = (
        "Run the command on a terminal. Unattended, use credentials that need no code, or temporary ones: "
        f"`aws sts get-session-token --serial-number {serial or 'ARN'} --token-code CODE`."
    )
    return CredentialsError("no-mfa-code", text, hint, region=region)


def credentials_failure(
    error: BaseException, profile: str | None = None, region: str | None = None, *, loading: bool = False
) -> CredentialsError | None:
    """An error as the failure to find, refresh or use credentials, with the profile and the next step; None where it is
    something else. While ``loading`` credentials any error is one.
    """
    from botocore import exceptions as boto

    place, own_profile = _place_of(error)
    profile = own_profile or profile
    flag = _profile_flag(profile)
    step = _PLACES[place][1].format(flag=flag) if place else renew_hint(profile)
    match error:
        case EOFError():  # botocore asked for a code
            return mfa_code_missing(profile, None, region)
        case boto.TokenRetrievalError() | boto.SSOError() | boto.UnauthorizedSSOTokenError():
            text = f"{SIGN_IN_NEEDED}{_of_profile(profile)}: {as_sentence(error)}"
            return CredentialsError("credentials-expired", text, f"Run `aws sso login{flag}`.", region=region)
        case boto.PartialCredentialsError() if place == "env":
            pass  # the step of that place is the right one
        case boto.NoCredentialsError():
            step = renew_hint(profile)
        case (
            boto.InvalidConfigError()
            | boto.ConfigParseError()
            | boto.PartialCredentialsError()
            | boto.ProfileNotFound()
        ):
            step = f"Correct it in ~/.aws/config or ~/.aws/credentials{_or_environment(error)}."
        case boto.CredentialRetrievalError() | boto.RefreshWithMFAUnsupportedError():
            pass
        case _ if not loading:
            return None
        case _:
            pass
    where = f" ({_PLACES[place][0]})" if place else ""
    text = f"{NO_CREDENTIALS}{_of_profile(profile)}{where}: {_reason(error, place)}"
    return CredentialsError("no-credentials", text, step, region=region)


def role_not_assumed(refused: AwsError, profile: str | None) -> CredentialsError:
    """AWS's refusal to let the caller assume the role that the profile, or --role-arn, names."""
    text = f"The role{_of_profile(profile)} {ROLE_NOT_ASSUMED}: {refused.problem.message}"
    problem = refused.problem
    return CredentialsError(
        "role-not-assumed",
        text,
        f"{problem.hint} The role's trust policy must also allow it.",
        region=problem.region,
        aws_code=refused.aws_code,
        aws_message=refused.aws_message,
        operation=refused.operation,
    )


def _reason(error: BaseException, place: str | None) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.strerror}: {error.filename}."
    if isinstance(error, RuntimeError):  # of botocore's refresh
        return "what it gave has expired already."
    is_parsing = isinstance(error, ValueError | LookupError | AttributeError | TypeError)
    # A plain ValueError has words of its own; JSON's is a subclass, whose words are about columns.
    if place == "custom-process" and is_parsing and type(error) is not ValueError:
        return "it did not print the JSON that AWS describes."
    told = str(error)
    if told.startswith(_PREFIX):
        told = told[len(_PREFIX) :].partition(":")[2].strip() or "it failed and did not say why"
    return sentence(told)


def _or_environment(error: BaseException) -> str:
    return ", or in the environment" if "env" in str(error) else ""


def _place_of(error: BaseException) -> tuple[str | None, str | None]:
    """Where botocore was looking when an error came, and for which profile: the innermost of its providers in the
    error's traceback. (None, None) where there is none that we know.
    """
    provider, profile = getattr(error, "kwargs", {}).get("provider"), None
    place = provider if provider in _PLACES else None
    # From the outside in, so that the innermost has the last word.
    for owner in _owners(error):
        method = getattr(owner, "METHOD", None) or _FETCHERS.get(type(owner).__name__) or getattr(owner, "method", None)
        named = getattr(owner, "_profile_name", None)
        profile = named if isinstance(named, str) else profile
        place = method if method in _PLACES else place
    return place, profile


def operation_for_credentials(error: BaseException) -> str:
    """What botocore was calling for credentials when an error came."""
    place, _ = _place_of(error)
    operations = {"sso": "sso:GetRoleCredentials", "assume-role-with-web-identity": "sts:AssumeRoleWithWebIdentity"}
    return operations.get(place or "", "sts:AssumeRole")


def _owners(error: BaseException) -> Iterator[Any]:
    """The objects of botocore's whose methods stand in an error's traceback, the outermost first."""
    traceback = error.__traceback__
    while traceback is not None:
        owner = traceback.tb_frame.f_locals.get("self")
        if type(owner).__module__ in ("botocore.credentials", "botocore.tokens"):
            yield owner
        traceback = traceback.tb_next


def _profile_words(profile: str | None) -> str:
    return f"The profile '{profile}'" if profile else "The profile"


def _of_profile(profile: str | None) -> str:
    return f" of the profile '{profile}'" if profile else ""


def _profile_flag(profile: str | None) -> str:
    return f" --profile {profile}" if profile else ""


def as_sentence(error: BaseException) -> str:
    """What an error says, on one line, without secrets, with its full stop."""
    return sentence(str(error))


def sentence(text: str) -> str:
    """A text on one line, without secrets, with its full stop."""
    line = " ".join(redact_secrets(text).split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
