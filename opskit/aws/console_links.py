"""Links to pages of the AWS console. China and GovCloud have consoles of their own."""

from __future__ import annotations

_CONSOLE_HOSTS = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))
_COMMERCIAL_HOST = "console.aws.amazon.com"


def quota_page_url(region: str | None, code: str | None = None, service: str = "sagemaker") -> str:
    """The page of a quota, or of all of a service's quotas if its code is not known."""
    host = f"{region}.{_console_host(region)}" if region else _COMMERCIAL_HOST
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
    return next((host for prefix, host in _CONSOLE_HOSTS if (region or "").startswith(prefix)), _COMMERCIAL_HOST)
