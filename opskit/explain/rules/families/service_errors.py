"""AWS's own failures and throttling, Python libraries that changed, and whole errors of AWS's that nobody knows: what
they are and where their reason stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.core.message_phrases import THROTTLED
from opskit.explain.rules.commands import log_command
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import PastedText, pattern_finder, phrase_finder

# Names of the SageMaker SDK v1 and of scikit-learn before 1.2 that are gone, as tracebacks tell it.
_LIBRARY = re.compile(
    r"load_boston|get_image_uri|(?:cannotimportname|modulenamed|hasnoattribute)'?(?:s3_input|get_execution_role|"
    r"image_uris|estimator|session|sagemaker[a-z_.]{0,40})'?|train_instance_(?:count|type)"
)
_BOSTON = "load_boston"
# boto3's frame: "An error occurred (CODE) when calling the OPERATION operation: ..."
_ENVELOPE = re.compile(
    r"anerroroccurred\((?P<code>[a-z0-9.]{2,60})\)whencallingthe(?P<operation>[a-z0-9]{3,60}?)operation"
)
_LOG_GROUP = re.compile(r"/aws/sagemaker/(?:endpoints/[a-z0-9-]{1,63}?(?=inaccount|[^a-z0-9-]|$)|[a-z]{4,30}jobs)")
# The code of an error where no boto3 stands around it: of the SDKs for Java and Go, CloudTrail, the wire, a log.
_WRAPPED_ERROR = re.compile(
    r"errorcode:(?P<java>[a-z0-9.]{3,60}?);|apierror(?P<go>[a-z0-9]{3,60}?):|errorcode'?[:=]'(?P<trail>[a-z0-9.]{3,60}?)'"
    r"|__type'?[:=]'(?:[a-z0-9.]{1,60}#)?(?P<wire>[a-z0-9]{3,60}?)'"
    r"|(?P<bare>(?:validation|conflict|limitexceeded|resourcelimitexceeded|servicequotaexceeded|badrequest|modelerror|"
    r"modelnotready|serviceunavailable|invalidparameter(?:value)?|invalidinput|unsupportedoperation|"
    r"illegalargument|malformedinput)(?:exception|error)"
    r"|(?:[a-z]{2,30})?(?:notfound|limitexceeded|quotaexceeded|accessdenied|conflict|alreadyexists|inuse)exception)"
    r"|\(service:[a-z]{3,40}[;,]statuscode:(?P<status>[45][0-9]{2})|statuscode:(?P<http>[45][0-9]{2}),requestid"
    r"|(?P<parameter>parametervalidationfailed|invalidtypeforparameter|missingrequiredparameterininput)"
    r"|(?P<boto>botocore\.(?:exceptions|errorfactory)\.[a-z]{3,60}?):|(?P<limit>resourcelimitexceeded)"
)
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (
        "limitexceeded|quotaexceeded|limit",
        "a quota or limit is exceeded, and the text does not say which",
        "The sentence behind the code names the limit. What there is for a type: opskit quotas check INSTANCE_TYPE",
    ),
    (
        "validation|invalid|badrequest|malformed|illegal|paramvalidation|missing",
        "something in the request is not valid; no quota is named",
        "The reason is the sentence behind the code: it names the parameter, the resource or the state.",
    ),
    (
        "notfound|nosuch",
        "what the call names does not exist in this Region and account; no quota is named",
        "Check the name and the Region.",
    ),
    (
        "conflict|inuse|busy",
        "the resource is in use or being changed; no quota is named",
        "Wait until that has ended, then try again.",
    ),
    (
        "modelerror|modelnotready",
        "the model's container answered with an error or is not ready; no quota is named",
        "The reason is in the endpoint's log: CloudWatch, /aws/sagemaker/Endpoints/NAME.",
    ),
    ("timeout|connection", "the call got no answer; no quota is named", "Check the network, then try again."),
)
_OTHERWISE = (
    "AWS or its client refused the call; the text names no quota that opskit knows",
    "The reason is the sentence behind the code.",
)


def _explain_aws_failed(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = "AWS failed on its own side. No quota is involved."
    return ExplanationParts(
        reason, "Run the same command again: opskit checks what exists first, and does nothing twice."
    )


def _explain_throttled(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = f"{THROTTLED}: too many calls a second. That is not the quota of instances."
    return ExplanationParts(reason, "Run the same command again in a minute.")


def _explain_library(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    if error.subject.lower() == _BOSTON:
        reason = (
            "scikit-learn removed load_boston in 1.2, because its data assume that segregation raises prices. This is "
            "not an AWS error, and no quota is involved."
        )
        hint = "opskit's workflow `boston` has the data with it, for the lesson; for work use fetch_california_housing."
        return ExplanationParts(reason, hint, "opskit train boston --dry-run")
    reason = (
        "The SageMaker Python SDK no longer has this name: versions 2 and 3 renamed much. This is not an AWS error, "
        "and no quota is involved."
    )
    hint = (
        "Look at `pip show sagemaker`. Version 2: sagemaker.image_uris.retrieve for get_image_uri, "
        "sagemaker.inputs.TrainingInput for s3_input, instance_count and instance_type without train_; version 3 has "
        "ModelTrainer for Estimator. Or install the version that the code was written for."
    )
    return ExplanationParts(reason, hint)


def find_whole_errors(text: PastedText) -> Iterator[ErrorMatch]:
    """AWS's errors by their envelope: "An error occurred (CODE) when calling the OPERATION operation"."""
    for found in text.matches(_ENVELOPE):
        code, operation = text.word(found, "code"), text.word(found, "operation")
        log = _LOG_GROUP.search(text.flat, found.end(), found.end() + 1_000)
        details = (operation, text.word(log, 0) if log else "")
        yield ErrorMatch(ErrorKind.AWS_REFUSED, found.start(), subject=code, details=details)


def find_wrapped_errors(text: PastedText) -> Iterator[ErrorMatch]:
    """AWS's errors by what other clients wrap around them: the first one of a text."""
    found = _WRAPPED_ERROR.search(text.flat)
    if found:
        group = found.lastgroup or ""
        code = text.word(found, group)
        subject = f"HTTP {code}" if group in ("status", "http") else code.rpartition(".")[2]
        subject = "ParamValidationError" if group == "parameter" else subject
        yield ErrorMatch(ErrorKind.AWS_REFUSED, found.start(), subject=subject, details=())


def _explain_refused(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    operation = error.detail(0)
    code = error.subject.lower()
    meaning, hint = next(((meaning, hint) for codes, meaning, hint in _MEANINGS if re.search(codes, code)), _OTHERWISE)
    called = f"{operation} failed with {error.subject}" if operation else f"The call failed with {error.subject}"
    command = log_command(error.detail(1), "", region_hint) if error.detail(1) else None
    return ExplanationParts(f"{called}: {meaning}.", hint, command, None)


RULES = (
    ErrorRule(
        ErrorKind.AWS_FAILED,
        phrase_finder(
            ErrorKind.AWS_FAILED,
            "We encountered an internal error",
            "InternalServerError",
            "InternalServerException",
            "InternalServiceError",
            "InternalFailure",
            "ServiceUnavailable",
        ),
        _explain_aws_failed,
    ),
    ErrorRule(
        ErrorKind.THROTTLED,
        phrase_finder(
            ErrorKind.THROTTLED,
            "TooManyRequestsException",
            "ThrottlingException",
            "RequestLimitExceeded",
            "ThrottledException",
            "Rate exceeded",
            "SlowDown",
            THROTTLED,
        ),
        _explain_throttled,
        own_codes=("throttled",),
    ),
    ErrorRule(
        ErrorKind.LIBRARY_CHANGE,
        pattern_finder(ErrorKind.LIBRARY_CHANGE, re.compile(rf"(?P<name>{_LIBRARY.pattern})"), "name"),
        _explain_library,
    ),
)
FALLBACK = ErrorRule(ErrorKind.AWS_REFUSED, find_whole_errors, _explain_refused)
