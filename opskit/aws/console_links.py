"""Links to pages of the AWS console. Each partition has a console of its own."""

from __future__ import annotations

from opskit.aws.partitions import partition_of


def quota_page_url(region: str | None, code: str | None = None, service: str = "sagemaker") -> str:
    """The page of a quota, or of all of a service's quotas if its code is not known."""
    host = f"{region}.{_console_host(region)}" if region else _console_host(region)
    page = f"https://{host}/servicequotas/home/services/{service}/quotas"
    return page if code is None else f"{page}/{code}"


def case_form_url(region: str) -> str:
    """The form for a support case about a quota. It is open to accounts without a support plan, which have no Support
    API.
    """
    return f"https://support.{_console_host(region)}/support/home#/case/create?issueType=service-limit-increase"


def case_page_url(region: str, number: str) -> str:
    """The page of a support case, by the number that is shown to people (``displayId``)."""
    return f"https://support.{_console_host(region)}/support/home#/case/?displayId={number}"


def _console_host(region: str | None) -> str:
    return f"console.{partition_of(region).console_domain}"
