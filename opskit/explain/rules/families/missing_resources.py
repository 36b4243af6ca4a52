"""Names that are taken already or stand for nothing, and Regions that do not fit an ARN."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.explain.rules.commands import in_region, region_flag
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import PastedText, pattern_finder

# Names that are taken: SageMaker's "already existing" and "Job name must be unique", S3's and IAM's codes.
_TAKEN = re.compile(
    r"alreadyexisting|jobnamemustbeunique|alreadyexists(?!exception)|bucketalreadyownedbyyou"
    r"|entityalreadyexists"
)
_ARN = re.compile(
    r"arn:aws[a-z-]{0,12}:[a-z0-9-]{1,30}:[a-z0-9-]{0,20}:[0-9]{0,12}:(?P<what>[a-z-]{2,40})/(?P<name>[a-z0-9/_.+=,@-]{1,128})"
)
# SageMaker says so in another way for each operation. A model's missing data is about S3, not about its name.
_MISSING = re.compile(
    r"couldnotfind(?P<what>endpointconfiguration|endpoint|model|requestedjob(?:withname)?|trainingjob|pipeline|"
    r"featuregroup|image|domain|userprofile|space|app)(?!data)"
    r"|(?P<called>endpoint)[a-z0-9-]{1,63}ofaccount[0-9]{1,12}notfound|requestedresourcenotfound|resourcenotfound(?:exception)?"
)
# "ARN should be scoped to correct region: us-west-2 (...)"
_SCOPED = re.compile(r"arnshouldbescopedtocorrectregion:?(?P<region>[a-z]{2}-[a-z-]{4,20}-[1-9])?")
_LISTING_COMMANDS = {
    "endpointconfiguration": "endpoint-configs",
    "endpoint": "endpoints",
    "model": "models",
    "trainingjob": "training-jobs",
    "requestedjob": "training-jobs",
    "requestedjobwithname": "training-jobs",
}


def _find_taken(text: PastedText) -> Iterator[ErrorMatch]:
    last = -1
    for found in text.matches(_TAKEN):
        if found.start() > last:
            last = found.start() + 400
            arn = _ARN.search(text.flat, found.start(), last)
            details = (text.word(arn, "what"),) if arn else ("",)
            yield ErrorMatch(
                ErrorKind.NAME_TAKEN, found.start(), subject=text.word(arn, "name") if arn else "", details=details
            )


def _explain_taken(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    kind = error.detail(0)
    named = f"{kind.replace('-', ' ')} '{error.subject}'" if kind and error.subject else "something of this name"
    reason = (
        f"The name is taken: {named} exists already{in_region(region_hint)}, or is still being changed or deleted. "
        "That is not a quota."
    )
    return ExplanationParts(
        reason, "Use another name (job names cannot be used twice, even after they end), or delete the old one."
    )


def _find_missing(text: PastedText) -> Iterator[ErrorMatch]:
    last = -1
    for found in text.matches(_MISSING):
        if found.start() > last:
            last = found.start() + 400
            yield ErrorMatch(
                ErrorKind.NO_SUCH_RESOURCE, found.start(), details=(found["what"] or found["called"] or "",)
            )


def _explain_missing(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = in_region(region_hint, " in this Region")
    listing = _LISTING_COMMANDS.get(error.detail(0))
    reason = (
        f"What the call names does not exist{where}: the name is wrong, it was deleted, or it is in another Region or "
        "account. That is not a quota."
    )
    command = f"aws sagemaker list-{listing}{region_flag(region_hint)}" if listing else None
    return ExplanationParts(
        reason,
        "Check the name and the Region. Those there are:" if command else "Check the name and the Region.",
        command,
    )


def _explain_wrong_region(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    called = f" ({error.subject})" if error.subject else ""
    reason = (
        f"The ARN is of another Region than the call{called}. SageMaker reads only what is in its own Region. That is "
        "not a quota."
    )
    return ExplanationParts(reason, "Call the Region that the ARN names, or copy the resource into the one you call.")


RULES = (
    ErrorRule(ErrorKind.NAME_TAKEN, _find_taken, _explain_taken, frozenset({ErrorKind.ALREADY_ASKED})),
    ErrorRule(
        ErrorKind.NO_SUCH_RESOURCE,
        _find_missing,
        _explain_missing,
        frozenset({ErrorKind.NO_SUCH_QUOTA, ErrorKind.S3_DATA, ErrorKind.NO_SUCH_NOTEBOOK}),
    ),
    ErrorRule(ErrorKind.WRONG_REGION, pattern_finder(ErrorKind.WRONG_REGION, _SCOPED, "region"), _explain_wrong_region),
)
