"""What a complaint of AWS's means for whoever met it: which quota, what helps, and the one command for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from opskit.aws.console_links import quota_page_url
from opskit.core.model import Alternative, Requirement
from opskit.explain.rules.error_patterns import ErrorKind, ErrorMatch, RegionHint
from opskit.quotas.rules.headroom import format_quota_value
from opskit.quotas.rules.instance_types import similar_types
from opskit.quotas.rules.requirements import TOTAL


@dataclass(frozen=True)
class Explanation:
    """A complaint in words that help.

    ``code`` None: there is no quota, or its code is not known. ``increase_helps`` tells whether a quota increase helps;
    None: the text does not tell. ``command`` None: no command helps, and ``reason`` says so. ``region_hint`` None:
    nothing tells the Region. ``target_value`` is the applied value that would do, as far as the text tells.
    """

    match: ErrorMatch
    region_hint: RegionHint | None
    code: str | None
    reason: str
    hint: str
    command: str | None
    increase_helps: bool | None
    target_value: float | None = None
    alternatives: tuple[Alternative, ...] = ()

    @property
    def unmet_requirement(self) -> Requirement | None:
        """What another type could do instead, as far as the text tells; None where no type is lacking."""
        error = self.match
        if (
            error.kind not in (ErrorKind.NOT_OFFERED, ErrorKind.NO_CAPACITY)
            or not error.instance_type
            or not error.workload
        ):
            return None
        return Requirement(error.instance_type, error.workload)


def explain_match(error: ErrorMatch, region_hint: RegionHint | None, codes: Mapping[str, str]) -> Explanation:
    """What a complaint means. ``region_hint`` is where it happened, ``codes`` each known quota's code by its name."""
    telling = _EXPLAINERS[error.kind]
    reason, hint, command, helps = telling(error, region_hint)
    code = codes.get(error.quota.name) if error.quota else None
    to = _sufficient_value(error) if error.kind is ErrorKind.QUOTA_SHORT else None
    if error.kind is ErrorKind.QUOTA_SHORT and not command:
        command = _aws_cli_command(code, to, region_hint)
    return Explanation(error, region_hint, code, reason, hint, command, helps, to)


ExplanationParts: TypeAlias = tuple[str, str, str | None, bool | None]
"""Why, what to do, the command for it, and whether an increase helps."""


def _explain_quota_short(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = f" in {region_hint.region}" if region_hint else ""
    not_ec2 = "It is a quota of SageMaker's own: raising an EC2 limit changes nothing."
    text = f"The SageMaker quota '{error.name}'{where} {_numbers_phrase(error)}. {not_ec2}"
    hint = "" if error.need is not None else "The text does not say how many were wanted: set --to to what you need."
    requirement = error.quota.demand if error.quota else None
    if requirement is None:
        where_to_ask = f"Ask for it in the console: {_page_hint(region_hint)}, and search for this name."
        return text, " ".join(filter(None, (hint, where_to_ask))), None, True
    if requirement.per_job:
        return text, "Fewer instances a job help at once. More of them a job:", None, True
    instance_type = requirement.instance_type or TOTAL
    return (
        text,
        hint,
        _opskit_command(
            "increase",
            instance_type,
            f"--for {requirement.workload}",
            f"--to {format_quota_value(_sufficient_value(error))}",
            region_hint,
        ),
        True,
    )


def _numbers_phrase(error: ErrorMatch) -> str:
    """The numbers of a text as a predicate, as far as it has them."""
    value, used, need = error.value, error.in_use, error.need
    if value is None:
        return "stands in the way; the text has no numbers"
    more = "" if need is None else f", and this needs {format_quota_value(need)} more"
    if value == 0 and not used:
        return f"is 0: not one can be started{more}"
    in_use = "" if used is None else f", {format_quota_value(used)} of it in use"
    above = " (more than the quota: what runs goes on, nothing new starts)" if used is not None and used > value else ""
    return f"is {format_quota_value(value)}{in_use}{above}{more}"


def _sufficient_value(error: ErrorMatch) -> float:
    """The applied value that would do. Where the text is cut off, the least that changes anything."""
    value, used = error.value or 0.0, error.in_use or 0.0
    return max(used + (error.need or 1.0), value + 1.0)


def _aws_cli_command(code: str | None, to: float | None, region_hint: RegionHint | None) -> str | None:
    """How the AWS CLI asks for a quota that opskit has no words for."""
    if code is None or to is None:
        return None
    region = f" --region {region_hint.region}" if region_hint else ""
    which = f"--service-code sagemaker --quota-code {code} --desired-value {format_quota_value(to)}"
    return f"aws service-quotas request-service-quota-increase {which}{region}"


def _page_hint(region_hint: RegionHint | None, service: str = "sagemaker") -> str:
    return quota_page_url(region_hint.region if region_hint else None, service=service)


def _opskit_command(verb: str, *words: str | RegionHint | None) -> str:
    """An opskit command; a place becomes its Region, None nothing."""
    told = [f"--region {word.region}" if isinstance(word, RegionHint) else word for word in words if word]
    return " ".join(["opskit quotas", verb, *told])


def _subject_phrase(error: ErrorMatch) -> str:
    return f"{error.instance_type or 'this type'}{f' for {error.workload}' if error.workload else ''}"


def _list_command(error: ErrorMatch, region: str) -> str | None:
    """Where else a type can be had."""
    if error.instance_type is None:
        return None
    usage = f" --for {error.workload}" if error.workload else ""
    return f"opskit quotas check {error.instance_type}{usage} --region {region}"


_WHO_HAS_ROOM = "Which have room: opskit quotas check INSTANCE_TYPE --region all"


def _explain_not_offered(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = region_hint.region if region_hint else "this Region"
    text = f"AWS does not offer {_subject_phrase(error)} in {where}. No quota stands in the way, and no increase helps."
    hint = f"What helps: another instance type{_similar_types_phrase(error)}, or a Region that has it. {_WHO_HAS_ROOM}"
    return text, hint, _list_command(error, "all"), False


def _explain_no_capacity(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = f" in {region_hint.region}" if region_hint else ""
    text = (
        f"AWS has no free machines of {_subject_phrase(error)}{where} just "
        "now: capacity, not a quota. No increase helps."
    )
    hint = (
        f"What helps: trying again later, another instance type{_similar_types_phrase(error)}, "
        f"or another Region. {_WHO_HAS_ROOM}"
    )
    return text, hint, _list_command(error, "all"), False


def _similar_types_phrase(error: ErrorMatch) -> str:
    """The types most like the one that is not to be had."""
    like = similar_types(error.instance_type or "")[:3]
    return f" (like it are {', '.join(like)})" if like else ""


def _explain_already_asked(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "A request for this quota is open already, and AWS takes one a quota at a time."
    return text, "See where it stands:", _opskit_command("requests", "--open", region_hint), False


def _explain_below_default(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    default = "" if error.value is None else f", {format_quota_value(error.value)}"
    text = (
        f"Service Quotas takes only values above AWS's default{default}, even where the applied value is lower. "
        "Up to the default, only AWS Support can restore it."
    )
    command = _quota_phrase(error, region_hint, "--via console")
    hint = "Ask AWS Support: opskit quotas increase, with --via support or with --via console for the form's text."
    return text, hint, command, False


def _quota_phrase(error: ErrorMatch, region_hint: RegionHint | None, *flags: str) -> str | None:
    requirement = error.quota.demand if error.quota else None
    if requirement is None or requirement.per_job:
        return None
    instance_type = requirement.instance_type or TOTAL
    return _opskit_command(
        "increase",
        instance_type,
        f"--for {requirement.workload}",
        f"--to {format_quota_value(_sufficient_value(error))}",
        *flags,
        region_hint,
    )


def _explain_already_enough(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "The value asked for is not above what the quota is already: there is nothing to ask for."
    return (
        text,
        "opskit quotas check tells what there is and what uses it.",
        _list_command(error, region_hint.region) if region_hint else None,
        False,
    )


def _explain_not_adjustable(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "AWS does not raise this quota through Service Quotas: it is not adjustable."
    return (
        text,
        "AWS Support may: opskit quotas increase --via console writes the text for its form.",
        _quota_phrase(error, region_hint, "--via console"),
        False,
    )


def _explain_too_many_open(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "AWS takes no more open requests for now: only so many may be open in an account and Region at once."
    hint = "opskit keeps what it could not file. This files it when there is room again, by hand or from cron:"
    return text, hint, "opskit quotas increase --resume", None


def _explain_no_such_quota(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = (
        "AWS knows no quota of this code here: the code is wrong, the Region does not have it, or nothing but the "
        "default is applied. The name is what identifies a quota; opskit looks it up."
    )
    return text, "Ask by type and use: opskit quotas check INSTANCE_TYPE --for USAGE", None, None


def _explain_no_such_service(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = region_hint.region if region_hint else "this Region"
    text = f"AWS has no quotas of this service in {where}: it is not offered there, or the Region's name is wrong."
    return text, "Name another Region with --region.", None, False


def _explain_no_support_plan(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "The account has no paid AWS Support plan, and the Support API needs one. A quota can be asked for without."
    hint = "Service Quotas takes requests without a plan; for the console's form: opskit quotas increase --via console"
    return text, hint, None, None


def _explain_notebook_status(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    now, to, name = error.subject.split(":")
    text = f"The notebook instance {name or 'of this name'} is {now}, and AWS does not go from there to {to or 'that'}."
    hint = {
        ("stopped", "stopping"): "It is off already: there is nothing to do.",
        ("inservice", "deleting"): "Stop it first. (opskit never deletes a notebook.)",
    }.get((now.lower(), to.lower()), "Wait until it has settled.")
    region = f" --region {region_hint.region}" if region_hint else ""
    stop = f"opskit notebook stop {name}{region}" if name and to.lower() == "deleting" else None
    return text, hint, stop or f"opskit notebook list{region}", False


def _explain_no_such_notebook(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = f" in {region_hint.region}" if region_hint else " in this Region"
    text = f"AWS knows nothing of this name{where}. It may be in another Region, or deleted."
    return text, "See what there is everywhere:", "opskit notebook list --region all", False


def _explain_aws_failed(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "AWS failed on its own side. No quota stands in the way."
    return text, "Run the same command again: opskit looks first, and does nothing twice.", None, False


def _explain_throttled(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "AWS asks to slow down: too many calls a second. That is not the quota of instances."
    return text, "Run the same command again in a minute.", None, False


def _explain_denied(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "The credentials may not do this. That is a permission, not a quota."
    return (
        text,
        "See what is allowed: opskit doctor. The least policy for a command: opskit iam policy COMMAND",
        None,
        False,
    )


def _explain_credentials(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "AWS does not accept the credentials, or there are none. No quota stands in the way."
    return (
        text,
        "Renew them: `aws sso login`, or what you sign in with. Who you are:",
        "aws sts get-caller-identity",
        False,
    )


def _explain_ec2_quota(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    text = "This is a quota of EC2's own (vCPUs or instances), not one of SageMaker's, which opskit looks after."
    return text, f"Ask for it here: {_page_hint(region_hint, 'ec2')}", None, True


_EXPLAINERS: Mapping[ErrorKind, Callable[[ErrorMatch, RegionHint | None], ExplanationParts]] = {
    ErrorKind.QUOTA_SHORT: _explain_quota_short,
    ErrorKind.NOT_OFFERED: _explain_not_offered,
    ErrorKind.NO_CAPACITY: _explain_no_capacity,
    ErrorKind.ALREADY_ASKED: _explain_already_asked,
    ErrorKind.BELOW_DEFAULT: _explain_below_default,
    ErrorKind.ALREADY_ENOUGH: _explain_already_enough,
    ErrorKind.NOT_ADJUSTABLE: _explain_not_adjustable,
    ErrorKind.TOO_MANY_REQUESTS_OPEN: _explain_too_many_open,
    ErrorKind.NO_SUCH_QUOTA: _explain_no_such_quota,
    ErrorKind.NO_SUCH_SERVICE: _explain_no_such_service,
    ErrorKind.NO_SUPPORT_PLAN: _explain_no_support_plan,
    ErrorKind.NOTEBOOK_STATUS: _explain_notebook_status,
    ErrorKind.NO_SUCH_NOTEBOOK: _explain_no_such_notebook,
    ErrorKind.AWS_FAILED: _explain_aws_failed,
    ErrorKind.THROTTLED: _explain_throttled,
    ErrorKind.DENIED: _explain_denied,
    ErrorKind.CREDENTIALS: _explain_credentials,
    ErrorKind.EC2_QUOTA: _explain_ec2_quota,
}
