"""What a complaint of AWS's means for whoever met it: which quota, what helps, and the one command for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from opskit.decide.complaints import Complaint, Kind, Place
from opskit.decide.console import quota_page
from opskit.decide.demands import TOTAL
from opskit.decide.headroom import number
from opskit.decide.machines import similar
from opskit.model import Alternative, Demand


@dataclass(frozen=True)
class Explanation:
    """A complaint in words that help.

    ``code`` None: there is no quota, or its code is not known. ``helps`` tells whether a quota increase helps; None:
    the text does not tell. ``command`` None: no command helps, and ``because`` says so. ``place`` None: nothing tells
    the Region. ``to`` is the applied value that would do, as far as the text tells.
    """

    complaint: Complaint
    place: Place | None
    code: str | None
    because: str
    hint: str
    command: str | None
    helps: bool | None
    to: float | None = None
    others: tuple[Alternative, ...] = ()

    @property
    def lacking(self) -> Demand | None:
        """What another type could do instead, as far as the text tells; None where no type is lacking."""
        complaint = self.complaint
        if complaint.kind not in (Kind.NOT_OFFERED, Kind.NO_CAPACITY) or not complaint.type or not complaint.usage:
            return None
        return Demand(complaint.type, complaint.usage)


def explanation(complaint: Complaint, place: Place | None, codes: Mapping[str, str]) -> Explanation:
    """What a complaint means. ``place`` is where it happened, ``codes`` each known quota's code by its name."""
    telling = _TELLINGS[complaint.kind]
    because, hint, command, helps = telling(complaint, place)
    code = codes.get(complaint.quota.name) if complaint.quota else None
    to = _to(complaint) if complaint.kind is Kind.QUOTA_SHORT else None
    if complaint.kind is Kind.QUOTA_SHORT and not command:
        command = _by_aws_cli(code, to, place)
    return Explanation(complaint, place, code, because, hint, command, helps, to)


Told: TypeAlias = tuple[str, str, str | None, bool | None]
"""Why, what to do, the command for it, and whether an increase helps."""


def _short(complaint: Complaint, place: Place | None) -> Told:
    where = f" in {place.region}" if place else ""
    not_ec2 = "It is a quota of SageMaker's own: raising an EC2 limit changes nothing."
    text = f"The SageMaker quota '{complaint.name}'{where} {_numbers(complaint)}. {not_ec2}"
    hint = (
        "" if complaint.need is not None else "The text does not say how many were wanted: set --to to what you need."
    )
    demand = complaint.quota.demand if complaint.quota else None
    if demand is None:
        where_to_ask = f"Ask for it in the console: {_page(place)}, and search for this name."
        return text, " ".join(filter(None, (hint, where_to_ask))), None, True
    if demand.per_job:
        return text, "Fewer instances a job help at once. More of them a job:", None, True
    kind = demand.instance_type or TOTAL
    return (
        text,
        hint,
        _command("increase", kind, f"--for {demand.usage}", f"--to {number(_to(complaint))}", place),
        True,
    )


def _numbers(complaint: Complaint) -> str:
    """The numbers of a text as a predicate, as far as it has them."""
    value, used, need = complaint.value, complaint.in_use, complaint.need
    if value is None:
        return "stands in the way; the text has no numbers"
    more = "" if need is None else f", and this needs {number(need)} more"
    if value == 0 and not used:
        return f"is 0: not one can be started{more}"
    in_use = "" if used is None else f", {number(used)} of it in use"
    above = " (more than the quota: what runs goes on, nothing new starts)" if used is not None and used > value else ""
    return f"is {number(value)}{in_use}{above}{more}"


def _to(complaint: Complaint) -> float:
    """The applied value that would do. Where the text is cut off, the least that changes anything."""
    value, used = complaint.value or 0.0, complaint.in_use or 0.0
    return max(used + (complaint.need or 1.0), value + 1.0)


def _by_aws_cli(code: str | None, to: float | None, place: Place | None) -> str | None:
    """How the AWS CLI asks for a quota that opskit has no words for."""
    if code is None or to is None:
        return None
    region = f" --region {place.region}" if place else ""
    which = f"--service-code sagemaker --quota-code {code} --desired-value {number(to)}"
    return f"aws service-quotas request-service-quota-increase {which}{region}"


def _page(place: Place | None, service: str = "sagemaker") -> str:
    return quota_page(place.region if place else None, service=service)


def _command(verb: str, *words: str | Place | None) -> str:
    """An opskit command; a place becomes its Region, None nothing."""
    told = [f"--region {word.region}" if isinstance(word, Place) else word for word in words if word]
    return " ".join(["opskit quotas", verb, *told])


def _what(complaint: Complaint) -> str:
    return f"{complaint.type or 'this type'}{f' for {complaint.usage}' if complaint.usage else ''}"


def _look(complaint: Complaint, region: str) -> str | None:
    """Where else a type can be had."""
    if complaint.type is None:
        return None
    usage = f" --for {complaint.usage}" if complaint.usage else ""
    return f"opskit quotas check {complaint.type}{usage} --region {region}"


_WHO_HAS_ROOM = "Which have room: opskit quotas check INSTANCE_TYPE --region all"


def _not_offered(complaint: Complaint, place: Place | None) -> Told:
    where = place.region if place else "this Region"
    text = f"AWS does not offer {_what(complaint)} in {where}. No quota stands in the way, and no increase helps."
    hint = f"What helps: another instance type{_like(complaint)}, or a Region that has it. {_WHO_HAS_ROOM}"
    return text, hint, _look(complaint, "all"), False


def _no_capacity(complaint: Complaint, place: Place | None) -> Told:
    where = f" in {place.region}" if place else ""
    text = f"AWS has no free machines of {_what(complaint)}{where} just now: capacity, not a quota. No increase helps."
    hint = (
        f"What helps: trying again later, another instance type{_like(complaint)}, or another Region. {_WHO_HAS_ROOM}"
    )
    return text, hint, _look(complaint, "all"), False


def _like(complaint: Complaint) -> str:
    """The types most like the one that is not to be had."""
    like = similar(complaint.type or "")[:3]
    return f" (like it are {', '.join(like)})" if like else ""


def _already_asked(complaint: Complaint, place: Place | None) -> Told:
    text = "A request for this quota is open already, and AWS takes one a quota at a time."
    return text, "See where it stands:", _command("requests", "--open", place), False


def _below_default(complaint: Complaint, place: Place | None) -> Told:
    default = "" if complaint.value is None else f", {number(complaint.value)}"
    text = (
        f"Service Quotas takes only values above AWS's default{default}, even where the applied value is lower. "
        "Up to the default, only AWS Support can restore it."
    )
    command = _of_quota(complaint, place, "--via console")
    hint = "Ask AWS Support: opskit quotas increase, with --via support or with --via console for the form's text."
    return text, hint, command, False


def _of_quota(complaint: Complaint, place: Place | None, *flags: str) -> str | None:
    demand = complaint.quota.demand if complaint.quota else None
    if demand is None or demand.per_job:
        return None
    kind = demand.instance_type or TOTAL
    return _command("increase", kind, f"--for {demand.usage}", f"--to {number(_to(complaint))}", *flags, place)


def _already_enough(complaint: Complaint, place: Place | None) -> Told:
    text = "The value asked for is not above what the quota is already: there is nothing to ask for."
    return (
        text,
        "opskit quotas check tells what there is and what uses it.",
        _look(complaint, place.region) if place else None,
        False,
    )


def _not_adjustable(complaint: Complaint, place: Place | None) -> Told:
    text = "AWS does not raise this quota through Service Quotas: it is not adjustable."
    return (
        text,
        "AWS Support may: opskit quotas increase --via console writes the text for its form.",
        _of_quota(complaint, place, "--via console"),
        False,
    )


def _too_many_open(complaint: Complaint, place: Place | None) -> Told:
    text = "AWS takes no more open requests for now: only so many may be open in an account and Region at once."
    hint = "opskit keeps what it could not file. This files it when there is room again, by hand or from cron:"
    return text, hint, "opskit quotas increase --resume", None


def _no_such_quota(complaint: Complaint, place: Place | None) -> Told:
    text = (
        "AWS knows no quota of this code here: the code is wrong, the Region does not have it, or nothing but the "
        "default is applied. The name is what identifies a quota; opskit looks it up."
    )
    return text, "Ask by type and use: opskit quotas check INSTANCE_TYPE --for USAGE", None, None


def _no_such_service(complaint: Complaint, place: Place | None) -> Told:
    where = place.region if place else "this Region"
    text = f"AWS has no quotas of this service in {where}: it is not offered there, or the Region's name is wrong."
    return text, "Name another Region with --region.", None, False


def _no_support_plan(complaint: Complaint, place: Place | None) -> Told:
    text = "The account has no paid AWS Support plan, and the Support API needs one. A quota can be asked for without."
    hint = "Service Quotas takes requests without a plan; for the console's form: opskit quotas increase --via console"
    return text, hint, None, None


def _notebook_status(complaint: Complaint, place: Place | None) -> Told:
    now, to, name = complaint.subject.split(":")
    text = f"The notebook instance {name or 'of this name'} is {now}, and AWS does not go from there to {to or 'that'}."
    hint = {
        ("stopped", "stopping"): "It is off already: there is nothing to do.",
        ("inservice", "deleting"): "Stop it first. (opskit never deletes a notebook.)",
    }.get((now.lower(), to.lower()), "Wait until it has settled.")
    region = f" --region {place.region}" if place else ""
    stop = f"opskit notebook stop {name}{region}" if name and to.lower() == "deleting" else None
    return text, hint, stop or f"opskit notebook list{region}", False


def _no_such_notebook(complaint: Complaint, place: Place | None) -> Told:
    where = f" in {place.region}" if place else " in this Region"
    text = f"AWS knows nothing of this name{where}. It may be in another Region, or deleted."
    return text, "See what there is everywhere:", "opskit notebook list --region all", False


def _aws_failed(complaint: Complaint, place: Place | None) -> Told:
    text = "AWS failed on its own side. No quota stands in the way."
    return text, "Run the same command again: opskit looks first, and does nothing twice.", None, False


def _throttled(complaint: Complaint, place: Place | None) -> Told:
    text = "AWS asks to slow down: too many calls a second. That is not the quota of instances."
    return text, "Run the same command again in a minute.", None, False


def _denied(complaint: Complaint, place: Place | None) -> Told:
    text = "The credentials may not do this. That is a permission, not a quota."
    return (
        text,
        "See what is allowed: opskit doctor. The least policy for a command: opskit iam policy COMMAND",
        None,
        False,
    )


def _credentials(complaint: Complaint, place: Place | None) -> Told:
    text = "AWS does not accept the credentials, or there are none. No quota stands in the way."
    return (
        text,
        "Renew them: `aws sso login`, or what you sign in with. Who you are:",
        "aws sts get-caller-identity",
        False,
    )


def _ec2_quota(complaint: Complaint, place: Place | None) -> Told:
    text = "This is a quota of EC2's own (vCPUs or instances), not one of SageMaker's, which opskit looks after."
    return text, f"Ask for it here: {_page(place, 'ec2')}", None, True


_TELLINGS: Mapping[Kind, Callable[[Complaint, Place | None], Told]] = {
    Kind.QUOTA_SHORT: _short,
    Kind.NOT_OFFERED: _not_offered,
    Kind.NO_CAPACITY: _no_capacity,
    Kind.ALREADY_ASKED: _already_asked,
    Kind.BELOW_DEFAULT: _below_default,
    Kind.ALREADY_ENOUGH: _already_enough,
    Kind.NOT_ADJUSTABLE: _not_adjustable,
    Kind.TOO_MANY_REQUESTS_OPEN: _too_many_open,
    Kind.NO_SUCH_QUOTA: _no_such_quota,
    Kind.NO_SUCH_SERVICE: _no_such_service,
    Kind.NO_SUPPORT_PLAN: _no_support_plan,
    Kind.NOTEBOOK_STATUS: _notebook_status,
    Kind.NO_SUCH_NOTEBOOK: _no_such_notebook,
    Kind.AWS_FAILED: _aws_failed,
    Kind.THROTTLED: _throttled,
    Kind.DENIED: _denied,
    Kind.CREDENTIALS: _credentials,
    Kind.EC2_QUOTA: _ec2_quota,
}
