"""Why jobs and endpoints fail: their data, hyperparameters, images and code; and where the reason stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from opskit.core.aws_names import PROCESSING_LOG_GROUP, TRAINING_LOG_GROUP, TRANSFORM_LOG_GROUP, endpoint_log_group
from opskit.explain.rules.commands import log_command
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import PastedText, nearby_workload, phrase_finder

_NOT_A_QUOTA = "That is not a quota."
# Inside quotes or brackets blanks are gone but the end is known; elsewhere an address ends with its word.
_QUOTED_S3 = re.compile(r"['(](?P<uri>s3://[a-z0-9.-]{3,63}(?:/[^'()]{0,300})?)[')]")
_BARE_S3 = re.compile(r"s3://[a-z0-9.-]{3,63}(?:/[^\s'\",;()]{0,300})?", re.IGNORECASE)
# Where S3 names the Region that a bucket is in, and SageMaker the one that the job runs in.
_LOCATED = re.compile(r"(?:locatedin|selectedregion\()(?P<region>[a-z]{2}-[a-z-]{4,20}-[1-9])")
_S3_ERRORS = re.compile(
    r"nos3objectsfound|couldnotaccessmodeldata|specifiedbucketdoesnotexist|nosuchbucket|nosuchkey|nosuchupload"
    r"|datadownloadfailed|failedtodownloaddata|couldnotfindmodeldata|permanentredirect|s3objectsunders3url"
    r"|bucketyouareattemptingtoaccessmustbeaddressed"
)
# The built-in XGBoost's sentence about a header or a word: "Non-numeric value 'True' found in the header line ..."
_HEADER = re.compile(r"non-numericvalue'(?P<value>[^']{1,60})'")
_NOT_NUMERIC = re.compile(r"non-numericvalue|csvformatrequirenoheader|couldnotconvertstringtofloat")
_LABELS = re.compile(r"labelmustbein[\[(]")
# What XGBoost says of a CSV file whose content type was not given: it then expects libsvm. (defaul+t: misspelt there.)
_LIBSVM = re.compile(r"blankspaceandcolonnotfound|contenttypebydefaul+tisinlibsvm|ensurethefileisinlibsvm")
# "No value(s) were specified for 'num_round' which are required hyperparameter(s)", and others of that kind.
_PARAMETER = re.compile(
    r"(?:novalue\(s\)werespecifiedfor|notallowed\(|hyperparameter|requiredhyperparameters?)'?(?P<name>[a-z_]{2,40})?'?"
)
_PARAMETERS = re.compile(
    r"requiredhyperparameter|hyperparametervalidation|extraneoushyperparameter|additional(?:properties|hyperparameters?)(?:are|is)notallowed"
    r"|hyperparameter'?[a-z_]{0,40}'?:?(?:value)?'?[^']{0,40}'?(?:notin|isnot|mustbe|cannot)|invalidhyperparameter"
)
_NAMED_PARAMETER = re.compile(r"(?:specifiedfor|notallowed\(|hyperparameters?:?)'(?P<name>[a-z_]{1,40})'")
# "Error for Training job NAME: Failed. Reason: ...": the SageMaker SDK's line before AWS's reason.
_RESOURCE = re.compile(
    r"(?:errorfor(?P<what>training|processing|transform|hyperparametertuning|compilation|automl)job"
    r"|error(?:for|hosting)(?P<endpoint>endpoint))'?(?P<name>[a-z0-9][a-z0-9-]{0,62}?)'?:"
)
_JOB_ARN = re.compile(r"(?P<what>training|processing|transform)-job/(?P<name>[a-z0-9][a-z0-9-]{0,62})")
_ENDPOINT_ARN = re.compile(r":endpoint/(?P<name>[a-z0-9][a-z0-9-]{0,62})")
_LOGS = {
    "training": TRAINING_LOG_GROUP,
    "processing": PROCESSING_LOG_GROUP,
    "transform": TRANSFORM_LOG_GROUP,
}
_LOG_KINDS = {group: f"{kind} job" for kind, group in _LOGS.items()}
_FAILED = re.compile(
    r"unexpectedstatusexception|failed\.reason:|error(?:for|hosting)(?:trainingjob|processingjob|transformjob|endpoint)"
    r"|failurereason|algorithmerror:|(?:^|[^a-z])clienterror:(?!anerroroccurred)|internalservererror:"
)


def _find_log_stream(text: PastedText, at: int) -> tuple[str, str]:
    """The log group and stream that belong to the job or endpoint named nearby; "" where none is."""
    begin, end = max(0, at - 400), at + 800
    endpoint = _ENDPOINT_ARN.search(text.flat, begin, end)
    found = _RESOURCE.search(text.flat, begin, end) or _JOB_ARN.search(text.flat, begin, end)
    if found and found.re is _RESOURCE and found["endpoint"]:
        endpoint, found = found, None
    if endpoint:
        return endpoint_log_group(text.word(endpoint, "name")), ""
    if found and found["what"] in _LOGS:
        return _LOGS[found["what"]], text.word(found, "name")
    return "", ""


def _with_log(text: PastedText, error: ErrorMatch) -> ErrorMatch:
    return replace(error, details=_find_log_stream(text, error.position))


def _log_parts(error: ErrorMatch, region_hint: RegionHint | None) -> tuple[str, str | None]:
    """Where the reason stands, in words, and the command that shows it."""
    group, stream = error.detail(0), error.detail(1)
    if group:
        return "The whole reason is in its log:", log_command(group, stream, region_hint)
    return (
        "The whole reason is in CloudWatch: /aws/sagemaker/TrainingJobs, …/ProcessingJobs, …/TransformJobs (a stream "
        "per job) or …/Endpoints/NAME.",
        None,
    )


def _find_s3_data(text: PastedText) -> Iterator[ErrorMatch]:
    last = -1
    for found in text.matches(_S3_ERRORS):
        if found.start() > last:
            last = found.start() + 400
            located = _LOCATED.search(text.flat, found.start(), found.start() + 1_000)
            details = (located["region"] if located else "",)
            yield ErrorMatch(
                ErrorKind.S3_DATA, found.start(), subject=_s3_uri(text, found.start(), last), details=details
            )


def _s3_uri(text: PastedText, begin: int, end: int) -> str:
    """What in S3 a text names there. Between quotes it may be broken over lines; else it ends with a blank."""
    quoted = _QUOTED_S3.search(text.flat, begin, end)
    if quoted:
        return text.word(quoted, "uri")
    bare = _BARE_S3.search(text.written(begin, min(end, len(text.flat))))
    return bare[0].rstrip(".") if bare else ""


def _explain_s3_data(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    what = error.subject or "the data in S3"
    reason = (
        f"SageMaker could not read {what}: nothing is there, the bucket does not exist or is in another Region, or the "
        f"execution role lacks s3:GetObject and s3:ListBucket on it. {_NOT_A_QUOTA}"
    )
    where = error.detail(0) or "the Region of the call"
    hint = f"The bucket has to be in {where}. List what is there (as you, not as the role):"
    command = f"aws s3 ls {error.subject}" if re.fullmatch(r"s3://[\w./=-]+", error.subject) else "aws s3 ls"
    return ExplanationParts(reason, hint, command)


def _explain_image(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = (
        "SageMaker could not pull the container image: its name, account or tag is wrong, it is in another Region, or "
        f"the execution role may not read from ECR. {_NOT_A_QUOTA}"
    )
    hint = (
        "Use the image URI of the Region of the call (sagemaker.image_uris.retrieve), and allow the role "
        "ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:GetAuthorizationToken."
    )
    return ExplanationParts(reason, hint)


def _find_training_data(text: PastedText) -> Iterator[ErrorMatch]:
    for pattern, how in ((_NOT_NUMERIC, "words"), (_LIBSVM, "libsvm"), (_LABELS, "labels")):
        last = -1
        for found in text.matches(pattern):
            if found.start() > last:
                last = found.start() + 400
                value = _HEADER.match(text.flat, found.start())
                yield ErrorMatch(
                    ErrorKind.TRAINING_DATA,
                    found.start(),
                    subject=text.written(*value.span("value")) if value else "",
                    details=(how,),
                )


def _explain_training_data(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    if error.details == ("libsvm",):
        reason = f"XGBoost took the file for libsvm, which is the default, but it looks like CSV. {_NOT_A_QUOTA}"
        hint = 'Set the channel\'s content type to text/csv (SDK: TrainingInput(..., content_type="text/csv")).'
        return ExplanationParts(reason, hint)
    if error.details == ("labels",):
        reason = f"The target holds values that the objective does not allow. {_NOT_A_QUOTA}"
        hint = "binary:logistic takes labels from 0 to 1, multi:softmax whole numbers from 0 to num_class - 1."
        return ExplanationParts(reason, hint)
    value = f" (here '{error.subject}')" if error.subject else ""
    reason = f"The training data hold something that is not a number{value}: XGBoost reads numbers only. {_NOT_A_QUOTA}"
    hint = (
        "Write the CSV without header and index (pandas: header=False, index=False), True/False as 1/0, and words as "
        "numbers or one column each; the target comes first."
    )
    return ExplanationParts(reason, hint)


def _find_hyperparameters(text: PastedText) -> Iterator[ErrorMatch]:
    last = -1
    for found in text.matches(_PARAMETERS):
        if found.start() > last:
            last = found.start() + 400
            named = _NAMED_PARAMETER.search(text.flat, max(0, found.start() - 200), last)
            around = text.around(found.start())
            how = "missing" if "werespecifiedfor" in around else "wrong"
            how = "channel" if "inputdataconfiguration" in around else how
            yield ErrorMatch(
                ErrorKind.HYPERPARAMETERS,
                found.start(),
                subject=text.word(named, "name") if named else "",
                details=(how,),
            )


def _explain_hyperparameters(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    if error.details == ("channel",):
        channel = f"'{error.subject}'" if error.subject else "of this name"
        reason = f"The algorithm has no input channel {channel}. {_NOT_A_QUOTA}"
        return ExplanationParts(reason, "Name the channels as the algorithm does: XGBoost's are train and validation.")
    which = f"the hyperparameter '{error.subject}'" if error.subject else "a hyperparameter"
    if error.details == ("missing",):
        return ExplanationParts(
            f"{which[0].upper()}{which[1:]} is required by the algorithm and was not set. {_NOT_A_QUOTA}",
            "Set it before the job is started; the algorithm's page in AWS's documentation lists the required ones.",
        )
    reason = f"The algorithm does not accept {which}: it does not know the name, or the value is out of range."
    reason = f"{reason} {_NOT_A_QUOTA}"
    return ExplanationParts(reason, "Check its spelling and range on the algorithm's page in AWS's documentation.")


def _explain_health_check(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where, command = _log_parts(error, region_hint)
    reason = (
        "The container started and did not answer the health check (GET /ping) in time: the model could not be loaded, "
        f"or the image is not made for hosting. {_NOT_A_QUOTA}"
    )
    return ExplanationParts(reason, f"Delete a failed endpoint before you create it again. {where}", command)


def _explain_out_of_memory(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where, command = _log_parts(error, region_hint)
    reason = f"The job ran out of memory or disk space. {_NOT_A_QUOTA}"
    return ExplanationParts(reason, f"Use a larger instance type or volume, or smaller batches. {where}", command)


def _explain_time_limit(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = (
        "The job was stopped because its time was up (StoppingCondition: MaxRuntimeInSeconds, or MaxWaitTimeInSeconds "
        f"for spot capacity). {_NOT_A_QUOTA}"
    )
    return ExplanationParts(reason, "Allow more time (opskit: training.max_run in workflow.toml), or a faster type.")


def find_failed_jobs(text: PastedText) -> Iterator[ErrorMatch]:
    """Jobs and endpoints of which a text says no more than that they failed."""
    last = -1
    for found in text.matches(_FAILED):
        if found.start() > last:
            last = found.start() + 400
            yield ErrorMatch(
                ErrorKind.JOB_FAILED,
                found.start(),
                workload=nearby_workload(text.flat[found.start() : found.start() + 80]),
                details=_find_log_stream(text, found.start()),
            )


def _explain_job_failed(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where, command = _log_parts(error, region_hint)
    group, name = error.detail(0), error.detail(1)
    what = "A job or an endpoint"
    if group:
        what = f"The {_LOG_KINDS.get(group, 'endpoint')} {name or group.rpartition('/')[2]}"
    reason = f"{what} failed because of its code, data or settings, or at AWS; the text names no quota."
    return ExplanationParts(reason, where, command, None)


def _logged_finder(kind: ErrorKind, *phrases: str) -> Callable[[PastedText], Iterator[ErrorMatch]]:
    find = phrase_finder(kind, *phrases)
    return lambda text: (_with_log(text, error) for error in find(text))


RULES = (
    ErrorRule(ErrorKind.S3_DATA, _find_s3_data, _explain_s3_data),
    ErrorRule(
        ErrorKind.CONTAINER_IMAGE,
        phrase_finder(
            ErrorKind.CONTAINER_IMAGE,
            "Requested image",
            "Could not access image",
            "CannotStartContainerError",
            "unable to pull image",
            "Could not find image",
            "does not have permissions to pull the image",
            "image does not exist",
            "ImageNotFoundException",
            "exec format error",
        ),
        _explain_image,
    ),
    ErrorRule(ErrorKind.TRAINING_DATA, _find_training_data, _explain_training_data),
    ErrorRule(ErrorKind.HYPERPARAMETERS, _find_hyperparameters, _explain_hyperparameters),
    ErrorRule(
        ErrorKind.HEALTH_CHECK,
        _logged_finder(ErrorKind.HEALTH_CHECK, "did not pass the ping health check"),
        _explain_health_check,
    ),
    ErrorRule(
        ErrorKind.OUT_OF_MEMORY,
        _logged_finder(
            ErrorKind.OUT_OF_MEMORY, "OutOfMemory", "out of memory", "No space left on device", "exit code: 137"
        ),
        _explain_out_of_memory,
    ),
    ErrorRule(
        ErrorKind.TIME_LIMIT,
        phrase_finder(ErrorKind.TIME_LIMIT, "MaxRuntimeExceeded", "MaxWaitTimeExceeded"),
        _explain_time_limit,
    ),
)
FALLBACK = ErrorRule(ErrorKind.JOB_FAILED, find_failed_jobs, _explain_job_failed)
