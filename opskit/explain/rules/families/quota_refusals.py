"""Quotas that are used up or 0: AWS's sentences of all years, opskit's own, and names that stand alone.

AWS writes "The account-level service limit 'NAME' is 0 Instances, with current utilization of 0 Instances and a request
delta of 2 Instances"; it wrote "limit for training-job/ml.p2.xlarge" before, and other words between the numbers. So
the name is found first, and each number by itself in what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from opskit.core.model import Requirement
from opskit.core.text import compact_text
from opskit.core.workloads import WORKLOADS
from opskit.explain.rules.commands import (
    in_region,
    quota_console_link,
    quota_lookup_command,
    region_flag,
    suggested_increase,
)
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.numbers import NUMBER, cut_number, is_cut_off, parse_number
from opskit.explain.rules.pasted_text import (
    NEARBY,
    PastedText,
    nearby_workload,
    phrase_finder,
    template_pattern,
)
from opskit.quotas.rules.headroom import (
    NOT_OFFERED_TEMPLATE,
    QUOTA_IS_TEMPLATE,
    USED_OF_TEMPLATE,
)
from opskit.quotas.rules.model import format_quota_value
from opskit.quotas.rules.quota_names import TYPE, NamedQuota, find_quota_names, match_quota_name
from opskit.quotas.rules.requirements import quota_name_for

# opskit's own sentence, in parts; the patterns that read it again are made of them.
_NAMED = "The SageMaker quota '{name}'"
_IS = "is {value}"
_NONE_CAN_START = ", so none can be started"
_IN_USE = ", with {used} in use"
_NEEDED = "; {need} more needed"
_OVER = " (over the quota: what runs goes on, but nothing new starts)"

_PLACE = r"(?:in[a-z0-9-]{6,20}?)?"
_QUOTED = re.compile(
    r"(?P<word>limit|quota)s?(?:for|of|named)?:?'(?P<name>[^']{1,160}?)(?:'|(?P<cut>…|\.\.\.|\[truncated|$))"
)
# The same where a shell has eaten the quotation marks: then only a name that is known is taken for one.
_BARE = re.compile(rf"limit(?P<name>[^']{{1,160}}?)(?=is{NUMBER}[a-z]{{1,30}},?withcurrentutilization)")
# As AWS once wrote it: "limit for training-job/ml.p2.xlarge" (see above).
_RESOURCE = re.compile(rf"limits?(?:for|of|on)'?(?P<name>(?P<what>[a-z-]{{4,24}})/(?P<type>{TYPE}))'?")
_OPSKIT_QUOTA_IS = re.escape(compact_text(QUOTA_IS_TEMPLATE.partition("{")[0]))
_VALUE = re.compile(rf"[:|]?{_PLACE}(?:{_OPSKIT_QUOTA_IS}|iscurrently|is|was|of|=|:)\(?(?P<value>{NUMBER})")
_USED = (
    re.compile(rf"utilization(?:of|is|was|:|=)?(?P<used>{NUMBER})(?=[a-z(;)])"),
    re.compile(template_pattern(_IN_USE)),
)
_NEED = (
    re.compile(rf"delta(?:of|is|was|:|=)?(?P<need>{NUMBER})(?=[a-z(;)])"),
    re.compile(template_pattern(_NEEDED)),
)
# "Only 5 Domains are supported."
_ONLY = re.compile(rf"only(?P<most>{NUMBER})[a-z]{{1,30}}?(?:is|are)supported")
_AFTER_NAME = re.compile(
    rf"'?[:|]?(?:(?P<none>{template_pattern(NOT_OFFERED_TEMPLATE, region='[a-z0-9-]{6,20}')})"
    rf"|{template_pattern(USED_OF_TEMPLATE)})"
)
_CODE = re.compile(r"l-[0-9a-f]{8}")


def find_short_quotas(text: PastedText) -> Iterator[ErrorMatch]:
    """The quotas that a text says are short."""
    known: dict[str, NamedQuota | None] = {}
    for pattern in (_QUOTED, _BARE):
        for found in pattern.finditer(text.flat):
            name = found["name"]
            if name not in known:
                known[name] = match_quota_name(name, text.codes, cut=found.groupdict().get("cut") is not None)
            if _is_about_a_quota(text, found, known[name]):
                written = text.written(*found.span("name"))
                yield _with_numbers(text, _quota_match(found.start(), known[name], written), found.end())
    for found in _RESOURCE.finditer(text.flat):
        workload = nearby_workload(found["what"])
        requirement = Requirement(found["type"], workload) if workload else None
        quota = NamedQuota(quota_name_for(requirement), requirement) if requirement else None
        yield _with_numbers(text, _quota_match(found.start(), quota, text.word(found, "name")), found.end())


def _is_about_a_quota(text: PastedText, found: re.Match[str], quota: NamedQuota | None) -> bool:
    if found.re is _BARE:
        return quota is not None
    return found["word"] == "limit" or _VALUE.match(text.flat, found.end()) is not None


def _quota_match(at: int, quota: NamedQuota | None, name: str) -> ErrorMatch:
    requirement = quota.demand if quota else None
    return ErrorMatch(
        ErrorKind.QUOTA_SHORT,
        at,
        quota,
        quota.name if quota else name,
        instance_type=requirement.instance_type if requirement else None,
        workload=requirement.workload if requirement else None,
    )


def _with_numbers(text: PastedText, error: ErrorMatch, begin: int) -> ErrorMatch:
    """A quota with the numbers that stand behind its name, before the next quota's."""
    end = min(begin + NEARBY, len(text.flat))
    for pattern in (_QUOTED, _RESOURCE):
        following = pattern.search(text.flat, begin, end)
        end = following.start() if following else end
    value = _VALUE.match(text.flat, begin, end)
    is_cut = value is not None and is_cut_off(text.flat, value.end("value"), value["value"])
    only = _ONLY.search(text.flat, begin, end)
    return replace(
        error,
        value=None if is_cut or value is None else parse_number(value["value"]),
        cut_value=cut_number(value["value"]) if is_cut and value is not None else "",
        in_use=_first_number(text.flat, _USED, begin, end),
        need=_first_number(text.flat, _NEED, begin, end),
        subject=only["most"].rstrip(".,") if only else "",
    )


def _first_number(flat: str, patterns: tuple[re.Pattern[str], ...], begin: int, end: int) -> float | None:
    found = next((found for pattern in patterns if (found := pattern.search(flat, begin, end))), None)
    return parse_number(found[1]) if found else None


def find_bare_quotas(text: PastedText) -> Iterator[ErrorMatch]:
    """Quotas that a text names, by name or by code, without saying in words we know what is wrong with them."""
    found = [*_find_bare_names(text)]
    return iter(found or [*_find_bare_codes(text)])


def _find_bare_names(text: PastedText) -> Iterator[ErrorMatch]:
    for named, quota in find_quota_names(text.flat):
        after = _AFTER_NAME.match(text.flat, named.end())
        bare = _quota_match(named.start(), quota, quota.name)
        if after and after["none"]:
            yield replace(bare, kind=ErrorKind.NOT_OFFERED)
        elif after and after["used"]:
            yield replace(bare, value=parse_number(after["limit"]), in_use=parse_number(after["used"]))
        else:
            yield _with_numbers(text, bare, named.end() + (text.flat[named.end() : named.end() + 1] == "'"))


def _find_bare_codes(text: PastedText) -> Iterator[ErrorMatch]:
    names = {code.lower(): name for name, code in text.codes.items()}
    for found in text.matches(_CODE):
        name = names.get(found[0])
        if name:
            yield _quota_match(found.start(), match_quota_name(name, text.codes), name)


def sufficient_value(error: ErrorMatch) -> float | None:
    """The applied value that would do, in the quota's own unit (instances, apps, seconds): what is in use and what was
    asked for, or where the text does not say that, the least that can help. None where the text has not the numbers for
    it.
    """
    used, need, value = error.in_use, error.need, error.value
    if value is None and (used is None or need is None):
        return None
    return max((used or 0.0) + (1.0 if need is None else need), (value or 0.0) + 1.0)


def _aws_cli_command(error: ErrorMatch, region_hint: RegionHint | None) -> str | None:
    """How the AWS CLI asks for a quota that opskit has no words for, or shows it."""
    if error.code is None:
        return None
    to = sufficient_value(error)
    which, region = f"--service-code sagemaker --quota-code {error.code}", region_flag(region_hint)
    if error.subject:
        return f"aws service-quotas get-aws-default-service-quota {which} --query Quota.Adjustable{region}"
    if to is None:
        return f"aws service-quotas get-service-quota {which}{region}"
    value = format_quota_value(to)
    return f"aws service-quotas request-service-quota-increase {which} --desired-value {value}{region}"


def _explain_quota_short(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    """A quota that is short: its numbers, and how to ask for more."""
    not_ec2 = "It is a quota of SageMaker's own: raising an EC2 limit changes nothing."
    reason = f"{_NAMED.format(name=error.name)}{in_region(region_hint)} {_numbers_phrase(error)}. {not_ec2}"
    requirement = error.quota.demand if error.quota else None
    to = sufficient_value(error)
    if error.subject:
        hint = f"AWS adds that it supports only {error.subject}: this quota may not be adjustable."
        return ExplanationParts(reason, hint, _aws_cli_command(error, region_hint), None)
    if requirement is None:
        hint = (
            f"{_least_phrase(error, to)}Request it in the console: {quota_console_link(region_hint)} (search for this "
            "name). Not all quotas are adjustable; the page says whether this one is."
        )
        return ExplanationParts(reason, hint, _aws_cli_command(error, region_hint), True, to)
    if requirement.per_job:
        unit = WORKLOADS[requirement.workload].per_job_unit
        hint = (
            f"Use fewer instances per {unit}, or request a higher maximum per {unit}: {quota_console_link(region_hint)}"
        )
        return ExplanationParts(reason, hint, _aws_cli_command(error, region_hint), True, to)
    if to is None:
        hint = "The text does not say how many are needed. What the quota is now, and what uses it:"
        return ExplanationParts(reason, hint, quota_lookup_command(error, region_hint), True)
    command = suggested_increase(error, format_quota_value(to), region_hint)
    return ExplanationParts(reason, _least_phrase(error, to).strip(), command, True, to)


def _least_phrase(error: ErrorMatch, to: float | None) -> str:
    is_told = error.need is not None and (error.in_use is not None or error.value == 0)
    if is_told or to is None:
        return ""
    unknown = "are needed" if error.need is None else "are in use"
    return f"The text does not say how many {unknown}; {format_quota_value(to)} is the least that helps. "


def _numbers_phrase(error: ErrorMatch) -> str:
    """The numbers of a text as a predicate, as far as it has them."""
    value, used, need = error.value, error.in_use, error.need
    more = "" if need is None else _NEEDED.format(need=format_quota_value(need))
    in_use = "" if used is None else _IN_USE.format(used=format_quota_value(used))
    if error.cut_value:
        return f"is {error.cut_value} (the text is cut off there, so the number may go on){in_use}{more}"
    if value is None:
        return f"stands in the way; the text does not give its value{in_use}{more}"
    if value == 0 and not used:
        return f"{_IS.format(value=0)}{_NONE_CAN_START}{more}"
    over = _OVER if used is not None and used > value else ""
    return f"{_IS.format(value=format_quota_value(value))}{in_use}{over}{more}"


def _explain_ec2_quota(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = "This is a quota of EC2's own (vCPUs or instances), not one of SageMaker's, which opskit looks after."
    return ExplanationParts(reason, f"Request it here: {quota_console_link(region_hint, 'ec2')}", None, True)


RULES = (
    ErrorRule(
        ErrorKind.QUOTA_SHORT, find_short_quotas, _explain_quota_short, start_code="aws-quota", own_codes=("aws-quota",)
    ),
    ErrorRule(
        ErrorKind.EC2_QUOTA,
        phrase_finder(
            ErrorKind.EC2_QUOTA,
            "VcpuLimitExceeded",
            "current vCPU limit",
            "current instance limit",
            "more running instance",
            "InstanceLimitExceeded",
        ),
        _explain_ec2_quota,
    ),
)
