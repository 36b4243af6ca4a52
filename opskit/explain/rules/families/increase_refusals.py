"""What Service Quotas and AWS Support answer to who asks for more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from opskit.core.message_phrases import ABOVE_DEFAULT, NO_OPEN_CASES, NO_OPEN_REQUESTS, NO_PLAN, QUOTA_NOT_ADJUSTABLE
from opskit.core.text import compact_text
from opskit.explain.rules.commands import in_region, quota_console_link, region_flag, suggested_increase
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.families.quota_refusals import sufficient_value
from opskit.explain.rules.numbers import NUMBER, parse_number
from opskit.explain.rules.pasted_text import NEARBY, PastedText, pattern_finder, phrase_finder, with_nearby_type
from opskit.quotas.rules.model import format_quota_value

# "You must provide a quota value greater than the default quota value of 4000000.0"
_DEFAULT = re.compile(
    rf"(?:greaterthanthedefaultquotavalue(?:of)?|{re.escape(compact_text(ABOVE_DEFAULT))}),?(?P<value>{NUMBER})?"
)
# Other services say ServiceQuotaExceededException of a quota of theirs that is used up.
_TOO_MANY = re.compile(
    r"(?<!service)quotaexceededexception|"
    + "|".join(re.escape(compact_text(phrase)) for phrase in (NO_OPEN_REQUESTS, NO_OPEN_CASES))
)
# "The request failed because the specified quota L-0A1B2C3D does not exist for service lambda."
_NO_QUOTA = re.compile(r"thespecifiedquotal-|nosuchresourceexception")
_CODE = re.compile(r"l-[0-9a-f]{8}")


def _find_below_default(text: PastedText) -> Iterator[ErrorMatch]:
    for found in text.matches(_DEFAULT):
        error = ErrorMatch(ErrorKind.BELOW_DEFAULT, found.start(), value=parse_number(found["value"]))
        yield with_nearby_type(text, error)


def _find_no_such_quota(text: PastedText) -> Iterator[ErrorMatch]:
    last = -NEARBY
    for found in text.matches(_NO_QUOTA):
        if found.start() - last >= NEARBY:
            last = found.start()
            code = _CODE.search(text.around(last))
            about = "sagemaker" if "sagemaker" in text.around(last) else ""
            error = with_nearby_type(text, ErrorMatch(ErrorKind.NO_SUCH_QUOTA, last))
            yield replace(error, subject=code[0].upper() if code else "", details=(about,))


def _explain_already_asked(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = "An increase request for this quota is open already, and AWS allows one open request per quota."
    return ExplanationParts(reason, "See its status:", f"opskit quotas requests --open{region_flag(region_hint)}")


def _explain_below_default(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    default = "" if error.value is None else f", {format_quota_value(error.value)}"
    reason = (
        f"{ABOVE_DEFAULT}{default}, even if the applied value is lower. Up to the default, only AWS Support can "
        "restore it."
    )
    hint = "Ask AWS Support: opskit quotas increase, with --via support or with --via console for the form's text."
    return ExplanationParts(reason, hint, _console_request(error, region_hint))


def _console_request(error: ErrorMatch, region_hint: RegionHint | None) -> str | None:
    to = sufficient_value(error)
    return suggested_increase(error, None if to is None else format_quota_value(to), region_hint, " --via console")


def _explain_already_enough(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = "The requested value is not above the quota's current value, so there is nothing to request."
    usage = f" --for {error.workload}" if error.workload else ""
    known = (
        f"opskit quotas check {error.instance_type}{usage}{region_flag(region_hint)}" if error.instance_type else None
    )
    return ExplanationParts(reason, "`opskit quotas check` shows the quota and what uses it.", known)


def _explain_not_adjustable(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = "AWS does not raise this quota through Service Quotas: it is not adjustable."
    hint = "AWS Support may: opskit quotas increase --via console writes the text for its form."
    return ExplanationParts(reason, hint, _console_request(error, region_hint))


def _explain_too_many_open(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = f"{NO_OPEN_REQUESTS}: the number of open requests per account and Region is limited."
    hint = "opskit queues what it could not submit. This submits it once there is room again, by hand or from cron:"
    return ExplanationParts(reason, hint, "opskit quotas increase --resume", None)


def _explain_no_support_plan(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = f"{NO_PLAN} You can request a quota increase without a support plan."
    hint = "Service Quotas takes requests without a plan; for the console's form: opskit quotas increase --via console"
    return ExplanationParts(reason, hint, None, None)


def _explain_no_applied_value(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = (
        "The quota has no applied value in this account and Region, so GetServiceQuota fails: AWS's default counts. "
        "It was never raised."
    )
    hint = "Read the default (GetAWSDefaultServiceQuota); `opskit quotas check INSTANCE_TYPE --for USAGE` shows both."
    return ExplanationParts(reason, hint, _default_command(error, region_hint), None)


def _default_command(error: ErrorMatch, region_hint: RegionHint | None) -> str | None:
    """How to read AWS's default of a quota of SageMaker's that a text names by its code."""
    if not error.subject or error.details != ("sagemaker",):
        return None
    which = f"--service-code sagemaker --quota-code {error.subject}"
    return f"aws service-quotas get-aws-default-service-quota {which}{region_flag(region_hint)}"


def _explain_no_such_quota(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    named = f"of the code {error.subject} " if error.subject else "of this code "
    reason = (
        f"Service Quotas finds no applied value {named}here: the code is wrong, the quota does not exist in this "
        "Region, or only AWS's default counts. A quota's name identifies it; codes may change."
    )
    hint = "Ask by type and use: opskit quotas check INSTANCE_TYPE --for USAGE"
    return ExplanationParts(reason, hint, _default_command(error, region_hint), None)


def _explain_no_such_service(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = in_region(region_hint, " in this Region")
    reason = (
        f"Service Quotas has no service with this code{where}: the service code is misspelled (SageMaker's is "
        "`sagemaker`, in small letters), the service is not offered there, or the Region's name is wrong."
    )
    command = f"aws service-quotas list-services{region_flag(region_hint)}"
    return ExplanationParts(reason, f"All codes of a Region (console: {quota_console_link(region_hint)}):", command)


RULES = (
    ErrorRule(
        ErrorKind.ALREADY_ASKED,
        phrase_finder(
            ErrorKind.ALREADY_ASKED,
            "Only one open service quota increase request is allowed per quota",
            "already requested a quota increase",
            "already an open request",
        ),
        _explain_already_asked,
    ),
    ErrorRule(ErrorKind.BELOW_DEFAULT, _find_below_default, _explain_below_default),
    ErrorRule(
        ErrorKind.ALREADY_ENOUGH,
        phrase_finder(ErrorKind.ALREADY_ENOUGH, "quota value greater than the current quota value"),
        _explain_already_enough,
    ),
    ErrorRule(
        ErrorKind.NOT_ADJUSTABLE,
        phrase_finder(ErrorKind.NOT_ADJUSTABLE, "specified quota is not adjustable", QUOTA_NOT_ADJUSTABLE),
        _explain_not_adjustable,
    ),
    ErrorRule(
        ErrorKind.TOO_MANY_REQUESTS_OPEN,
        pattern_finder(ErrorKind.TOO_MANY_REQUESTS_OPEN, _TOO_MANY),
        _explain_too_many_open,
        frozenset({ErrorKind.ALREADY_ASKED, ErrorKind.QUOTA_SHORT}),
    ),
    ErrorRule(
        ErrorKind.NO_SUPPORT_PLAN,
        phrase_finder(
            ErrorKind.NO_SUPPORT_PLAN, "Support Subscription is required", "SubscriptionRequiredException", NO_PLAN
        ),
        _explain_no_support_plan,
        own_codes=("no-support-plan",),
    ),
    ErrorRule(
        ErrorKind.NO_APPLIED_VALUE,
        phrase_finder(ErrorKind.NO_APPLIED_VALUE, "applied value for the specified context Id do"),
        _explain_no_applied_value,
    ),
    ErrorRule(
        ErrorKind.NO_SUCH_SERVICE,
        phrase_finder(
            ErrorKind.NO_SUCH_SERVICE,
            "This service is not available in the current Region",
            "the specified service does not exist",
        ),
        _explain_no_such_service,
    ),
    ErrorRule(
        ErrorKind.NO_SUCH_QUOTA,
        _find_no_such_quota,
        _explain_no_such_quota,
        frozenset({ErrorKind.NO_APPLIED_VALUE, ErrorKind.NO_SUCH_SERVICE}),
    ),
)
