"""What is not like AWS, in one list, so that nobody has to find it out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One thing that AWS does otherwise: where, and what."""

    area: str
    text: str


DIFFERENCES: tuple[Difference, ...] = (
    Difference("Account", "Any credentials are let in, and no IAM policy is enforced."),
    Difference("Account", "Everything is gone when the sandbox ends."),
    Difference(
        "Service Quotas",
        "Only SageMaker has quotas: 346 of the 1,500 to 2,300 of a real account. Other services are unknown.",
    ),
    Difference(
        "Service Quotas",
        "Quota values are the scenario's. Where nobody published a quota's code, the code is made up.",
    ),
    Difference(
        "Service Quotas",
        "An increase is decided after --approve-after, which AWS takes minutes to days for: up to 20 it is "
        "approved, up to 1,000 too unless the support case was ruled out, above that denied.",
    ),
    Difference(
        "Service Quotas",
        "Two increases may be open a Region and 20 an account. AWS's texts name both numbers, not always for "
        "the same accounts.",
    ),
    Difference(
        "Service Quotas",
        "The utilisation report has the ml.* quotas in it. Whether AWS's has them is not known.",
    ),
    Difference("Service Quotas", "Request templates and automatic management are not there."),
    Difference(
        "Notebook instances",
        'Where a scenario\'s notebook is idle or busy "for hours", the kernels, sessions and terminals are real, but '
        "the activity that Jupyter and its log recorded is set back once at the start. New work moves it as ever.",
    ),
    Difference(
        "Notebook instances",
        "Jupyter answers on http://127.0.0.1 and a port that changes with every start, not on https://NAME.notebook."
        "REGION.sagemaker.aws; the session's cookie is called authToken-PORT. No VPC shuts it in.",
    ),
    Difference(
        "Notebook instances",
        "A used or expired presigned URL leads to a bare sign-in page in the place of the AWS console's. The text "
        "CreatePresignedNotebookInstanceUrl refuses a stopped notebook with is not known from AWS.",
    ),
    Difference(
        "Notebook instances",
        "They are ready in seconds, run this machine's Python as this user, whatever the instance type and volume "
        "size, and have the plain Jupyter server: no JupyterLab, no conda kernels, no SageMaker images.",
    ),
    Difference(
        "Notebook instances",
        "Lifecycle configurations must exist but their scripts do not run, and code repositories are not cloned.",
    ),
    Difference("Notebook instances", "A Jupyter that was killed is not started again: the notebook stays InService."),
)
