"""Credentials, sign-in, profiles, signatures and clocks: what botocore, the AWS CLI and AWS say about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from opskit.core.exceptions import CLOCK_SKEW
from opskit.core.message_phrases import (
    CLOCK_IS_OFF,
    CREDENTIALS_REFUSED,
    MFA_CODE_NEEDED,
    NO_CREDENTIALS,
    REGION_NOT_ENABLED,
    SIGN_IN_NEEDED,
)
from opskit.core.text import compact_text
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import NEARBY, PastedText, phrase_finder, template_pattern

_NO_QUOTA = "No quota is involved."
_REFUSED = "AWS does not accept the credentials, or there are none."
# botocore's ("The config profile (x) could not be found") and the AWS CLI's sentences about a profile.
_PROFILE = re.compile(
    r"configprofile\((?P<profile>[^)]{1,80})\)couldnotbefound"
    r"|(?:source_)?profile'(?P<source>[^']{1,80})'referencedinthe|infiniteloopincredentialconfiguration"
    r"|unabletoparseconfigfile|profile'(?P<own>[^']{1,80})'(?:doesnotexist|wasnotfound|couldnotbefound)"
)
# "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"
_MISSING = re.compile(r"partialcredentialsfoundin(?P<where>[a-z-]{2,40}?),?missing:(?P<what>[a-z_]{3,40})")
# "Error when retrieving credentials from custom-process: ..."
_SOURCE = re.compile(r"errorwhenretrievingcredentialsfrom(?P<source>[a-z-]{2,40}?):")
# A Region that is not enabled does not know the credentials, and answers with these as well.
_NOT_ENABLED_TOO = re.compile(
    r"unrecognizedclientexception|invalidclienttokenid|tokenincludedintherequestisinvalid|authfailure"
)
# How opskit's own messages go on after "AWS credentials" and "AWS sign-in".
_OWN = r"(?:oftheprofile'(?P<profile>[^']{1,80})')?(?:\([a-z_]{2,24}\))?:"
_OWN_MESSAGE = re.compile(f"(?:{template_pattern(NO_CREDENTIALS)}|{template_pattern(SIGN_IN_NEEDED)}){_OWN}")
_CREDENTIALS = re.compile(
    r"expiredtoken|securitytokenincludedintherequestis|unabletolocatecredentials|unrecognizedclientexception"
    r"|invalidclienttokenid|invalidaccesskeyid|authfailure|partialcredentialsfoundin|errorwhenretrievingcredentialsfrom"
    r"|refreshedcredentialsarestillexpired|errorretrievingmetadata|nocredentialserror|missingauthenticationtoken"
    r"|accesskeyidyouprovideddoesnotexist|novalidcredentialsources|failedtorefreshcachedcredentials"
    r"|nocredentialproviders|invalididentitytoken|"
    + "|".join(map(template_pattern, (CREDENTIALS_REFUSED, MFA_CODE_NEEDED)))
    + f"|{template_pattern(NO_CREDENTIALS)}{_OWN}"
)


def _find_credentials(text: PastedText) -> Iterator[ErrorMatch]:
    end = -1
    for found in text.matches(_CREDENTIALS):
        if found.start() >= end:
            end = found.start() + 400
            around = text.around(found.start())
            missing, source = _MISSING.search(around), _SOURCE.search(around)
            details = (
                missing["what"].upper() if missing else "",
                source["source"] if source else "",
                "region" if _NOT_ENABLED_TOO.search(around) else "",
                "expired" if "expired" in around else "",
            )
            profile = _named_profile(text, found.start())
            yield ErrorMatch(ErrorKind.CREDENTIALS, found.start(), subject=profile, details=details)


def _named_profile(text: PastedText, at: int) -> str:
    """The profile that a message of opskit's names there."""
    own = _OWN_MESSAGE.search(text.flat, max(0, at - NEARBY), at + NEARBY)
    return text.word(own, "profile") if own else ""


def _profile_flag(error: ErrorMatch) -> str:
    return f" --profile {error.subject}" if re.fullmatch(r"[\w.@-]{1,80}", error.subject) else ""


def _explain_credentials(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    missing, source, region, expired = (error.detail(at) for at in range(4))
    if missing:
        reason = f"The credentials are incomplete: {missing} is missing. {_NO_QUOTA}"
        hint = f"Set {missing} as well, or remove the other half so that another source is used. Who you are:"
    elif source:
        reason = f"The credentials could not be fetched (from {source}). {_NO_QUOTA}"
        hint = f"Check what the profile sets for {source}; the words after the colon are that source's own. Try it:"
    else:
        reason = f"The credentials have expired. {_NO_QUOTA}" if expired else f"{_REFUSED} {_NO_QUOTA}"
        hint = "Renew them: `aws sso login`, `aws configure`, or what you sign in with. Who you are:"
    if region:
        hint = f"This also happens where the Region is not enabled for the account. {hint}"
    return ExplanationParts(reason, hint, f"aws sts get-caller-identity{_profile_flag(error)}")


def _find_sign_in(text: PastedText) -> Iterator[ErrorMatch]:
    for error in phrase_finder(ErrorKind.SIGN_IN, *_SIGN_IN_PHRASES, _NO_ACCESS, f"{SIGN_IN_NEEDED} of the profile")(
        text
    ):
        is_refused = text.flat.startswith(compact_text(_NO_ACCESS), error.position)
        details = ("no-access",) if is_refused else ()
        yield replace(error, subject=_named_profile(text, error.position), details=details)


def _explain_sign_in(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    if error.detail(0):
        reason = f"The sign-in (SSO) has no access to the account and role that the profile names. {_NO_QUOTA}"
        hint = "Whoever manages IAM Identity Center has to assign them to you, or the profile names the wrong ones:"
        return ExplanationParts(reason, hint, "aws configure list")
    reason = f"The sign-in through IAM Identity Center (SSO) has expired, or there was none. {_NO_QUOTA}"
    hint = "Sign in again, with the profile that you use (--profile NAME, or AWS_PROFILE):"
    return ExplanationParts(reason, hint, f"aws sso login{_profile_flag(error)}")


def _find_profile(text: PastedText) -> Iterator[ErrorMatch]:
    last = -1
    for found in text.matches(_PROFILE):
        if found.start() < last:
            continue
        last = found.start() + NEARBY
        named = next((group for group in ("profile", "source", "own") if found[group]), None)
        yield ErrorMatch(ErrorKind.PROFILE, found.start(), subject=text.word(found, named) if named else "")


def _explain_profile(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    named = f"The AWS profile '{error.subject}' does not exist" if error.subject else "An AWS profile is set up wrongly"
    reason = f"{named}, here or as the source_profile of another. {_NO_QUOTA}"
    hint = (
        "Correct the name (AWS_PROFILE, --profile, source_profile in ~/.aws/config), or create it with "
        "`aws configure --profile NAME`. Those there are:"
    )
    return ExplanationParts(reason, hint, "aws configure list-profiles")


def _explain_no_region(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = f"No AWS Region is set. {_NO_QUOTA}"
    hint = "Set AWS_DEFAULT_REGION, add --region, or set `region` in the profile. What is set:"
    return ExplanationParts(reason, hint, "aws configure list")


def _explain_region_not_enabled(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = region_hint.region if region_hint else "the Region"
    reason = (
        f"The account may not use this service there yet: {where} is not enabled for the account, or the account's "
        f"sign-up (payment, verification) is not complete. {_NO_QUOTA}"
    )
    hint = "Enable the Region in the account's settings, or finish the sign-up; that can take hours. What is enabled:"
    return ExplanationParts(reason, hint, "aws account list-regions --query 'Regions[].[RegionName,RegionOptStatus]'")


def _explain_signature(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = (
        "AWS could not verify the request's signature: the secret access key does not belong to the access key ID, or "
        f"something on the way changed the request. {_NO_QUOTA}"
    )
    hint = "Enter both halves of the credentials again (`aws configure`); look for blanks at their ends. Who you are:"
    return ExplanationParts(reason, hint, "aws sts get-caller-identity")


def _explain_clock(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = f"The clock of the machine that sent this is wrong: AWS refuses clocks 5 minutes off. {_NO_QUOTA}"
    return ExplanationParts(reason, "Set it:", "timedatectl set-ntp true")


_NO_ACCESS = "GetRoleCredentials operation: No access"
_SIGN_IN_PHRASES = (
    _NO_ACCESS,
    f"{SIGN_IN_NEEDED} of the profile",
    "Error when retrieving token from sso",
    "Error loading SSO Token",
    "The SSO session associated with this profile",
    "The SSO session has expired",
    "UnauthorizedSSOTokenError",
    "SSOTokenLoadError",
    "SSO access token",
    "Token has expired and refresh failed",
    "reauthenticate using 'aws login'",
)

RULES = (
    ErrorRule(
        ErrorKind.CREDENTIALS,
        _find_credentials,
        _explain_credentials,
        frozenset({ErrorKind.SIGN_IN, ErrorKind.PROFILE, ErrorKind.CLOCK, ErrorKind.SIGNATURE}),
        own_codes=(
            "no-credentials",
            "no-mfa-code",
            "credentials-refused",
        ),
    ),
    ErrorRule(
        ErrorKind.SIGN_IN,
        _find_sign_in,
        _explain_sign_in,
        own_codes=("credentials-expired",),
    ),
    ErrorRule(
        ErrorKind.PROFILE,
        _find_profile,
        _explain_profile,
        own_codes=("profile-not-found",),
    ),
    ErrorRule(
        ErrorKind.NO_REGION,
        phrase_finder(
            ErrorKind.NO_REGION,
            "You must specify a region",
            "Must setup local AWS configuration with a region",
            "No Region is set",
            "NoRegionError",
        ),
        _explain_no_region,
        own_codes=("no-region",),
    ),
    ErrorRule(
        ErrorKind.REGION_NOT_ENABLED,
        phrase_finder(
            ErrorKind.REGION_NOT_ENABLED, "OptInRequired", "needs a subscription for the service", REGION_NOT_ENABLED
        ),
        _explain_region_not_enabled,
        own_codes=("region-not-enabled",),
    ),
    ErrorRule(
        ErrorKind.SIGNATURE,
        phrase_finder(
            ErrorKind.SIGNATURE,
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "The request signature we calculated does not match",
        ),
        _explain_signature,
        frozenset({ErrorKind.CLOCK}),
    ),
    ErrorRule(
        ErrorKind.CLOCK,
        phrase_finder(
            ErrorKind.CLOCK,
            "Signature expired",
            "Signature not yet current",
            "RequestTimeTooSkewed",
            "RequestExpired",
            "the difference between the request time and the current time is too large",
            CLOCK_IS_OFF,
        ),
        _explain_clock,
        own_codes=(CLOCK_SKEW,),
    ),
)
