"""What the small AWS answers where AWS speaks XML: STS and EC2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.fake_aws import FakeAws

ROLE_KEY = "ASIA"
"""What the access keys of roles begin with; the account follows."""


def _identity_xml(aws: FakeAws, form: Mapping[str, str]) -> str:
    return (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:iam::{aws.account}:user/somebody</Arn><UserId>AIDEXAMPLE</UserId>"
        f"<Account>{aws.account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )


def _assumed_role_xml(aws: FakeAws, form: Mapping[str, str]) -> str:
    account = form["RoleArn"].split(":")[4] if form["RoleArn"].count(":") > 4 else ""
    key = f"{ROLE_KEY}{account if account in aws.members else 'EXAMPLE'}"
    return (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
        "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )


def _regions_xml(aws: FakeAws, form: Mapping[str, str]) -> str:
    items = "".join(f"<item><regionName>{region}</regionName></item>" for region in aws.enabled)
    return f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"


XML_ANSWERS: Mapping[str, Callable[[FakeAws, Mapping[str, str]], str]] = {
    "GetCallerIdentity": _identity_xml,
    "AssumeRole": _assumed_role_xml,
    "DescribeRegions": _regions_xml,
}
