"""What differs between AWS's partitions: hosts, the Regions that answer for a whole partition, ARNs, consoles and the
links to their pages, prices.

A partition is an AWS of its own: its accounts, keys and hosts are known nowhere else. This is the only table of them; a
new partition is a row. The tests hold it against botocore's own data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One partition. ``global_region`` answers for the services that have one endpoint for all of it, unless
    ``home_regions`` names another for a service. ``currency`` is what its price list is in; None: it has no price list.
    ``has_account_api``: the Account API, which lists the enabled Regions, is there.
    """

    name: str
    region_prefixes: tuple[str, ...]
    dns_suffixes: tuple[str, ...]
    global_region: str
    home_regions: Mapping[str, str] = field(default_factory=dict)
    console_domain: str
    currency: str | None = "USD"
    has_account_api: bool = False


COMMERCIAL = Partition(
    name="aws",
    region_prefixes=(),  # all others
    dns_suffixes=("amazonaws.com", "api.aws"),
    global_region="us-east-1",
    console_domain="aws.amazon.com",
    has_account_api=True,
)
PARTITIONS = (
    COMMERCIAL,
    Partition(
        name="aws-cn",
        region_prefixes=("cn-",),
        dns_suffixes=("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        global_region="cn-north-1",
        home_regions={"pricing": "cn-northwest-1"},
        console_domain="amazonaws.cn",
        currency="CNY",
        has_account_api=True,
    ),
    Partition(
        name="aws-us-gov",
        region_prefixes=("us-gov-",),
        dns_suffixes=("amazonaws.com", "api.aws"),
        global_region="us-gov-west-1",
        console_domain="amazonaws-us-gov.com",
        currency=None,
    ),
    Partition(
        name="aws-iso",
        region_prefixes=("us-iso-",),
        dns_suffixes=("c2s.ic.gov", "api.aws.ic.gov"),
        global_region="us-iso-east-1",
        console_domain="c2shome.ic.gov",
    ),
    Partition(
        name="aws-iso-b",
        region_prefixes=("us-isob-",),
        dns_suffixes=("sc2s.sgov.gov", "api.aws.scloud"),
        global_region="us-isob-east-1",
        console_domain="sc2shome.sgov.gov",
    ),
    Partition(
        name="aws-iso-e",
        region_prefixes=("eu-isoe-",),
        dns_suffixes=("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        global_region="eu-isoe-west-1",
        console_domain="csphome.adc-e.uk",
    ),
    Partition(
        name="aws-iso-f",
        region_prefixes=("us-isof-",),
        dns_suffixes=("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        global_region="us-isof-south-1",
        console_domain="csphome.hci.ic.gov",
    ),
    Partition(
        name="aws-eusc",
        region_prefixes=("eusc-",),
        dns_suffixes=("amazonaws.eu", "api.amazonwebservices.eu"),
        global_region="eusc-de-east-1",
        console_domain="amazonaws-eusc.eu",
        currency="EUR",
    ),
)

GLOBAL_SERVICES = frozenset({"iam", "pricing", "support"})
"""Services that answer for all Regions from one. boto3 would build hosts that do not exist elsewhere."""


def partition_of(region: str | None) -> Partition:
    """The partition of a Region; the commercial one if there is no Region, or its name tells no other."""
    return next((each for each in PARTITIONS if (region or "").startswith(each.region_prefixes)), COMMERCIAL)


def service_region(service: str, region: str) -> str:
    """The Region whose endpoint answers for a service in a Region."""
    if service not in GLOBAL_SERVICES:
        return region
    partition = partition_of(region)
    return partition.home_regions.get(service, partition.global_region)


def is_aws_host(host: str) -> bool:
    """Whether a host is AWS itself, in whichever partition."""
    return any(host.endswith(f".{suffix}") for partition in PARTITIONS for suffix in partition.dns_suffixes)


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
