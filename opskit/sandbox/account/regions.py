"""Which Regions an account has. moto would answer too, but its EC2 alone costs a hundred megabytes."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from opskit.sandbox.api_models import sagemaker_regions
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, FallThrough, validation_error
from opskit.sandbox.pagination import cut_page
from opskit.sandbox.state import AccountRegion, ApiCall

# The most that ListRegions gives in one answer.
_PAGE_SIZE = 50
# Those that an account has to enable; the older ones always are.
_OPT_IN_REGIONS = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2"),
        *("il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
    }
)
# A DescribeRegions with filters is left to moto.
_PLAIN_QUERY = {"Action", "Version", "AllRegions"}


def _opt_in_status(region: str) -> str:
    return "DISABLED" if region in _OPT_IN_REGIONS else "ENABLED_BY_DEFAULT"


class RegionService:
    """The Account API's answer and EC2's older one: Regions that need no opting in are enabled, others are not."""

    @aws_operation("account", "ListRegions")
    def list_regions(self, call: ApiCall) -> dict[str, Any]:
        statuses = call.params.get("RegionOptStatusContains") or ["DISABLED", "ENABLED_BY_DEFAULT"]
        names = [name for name in sorted(sagemaker_regions()) if _opt_in_status(name) in statuses]
        page, token = cut_page(call, names, _PAGE_SIZE, validation_error("Invalid NextToken"))
        return {
            "Regions": [{"RegionName": name, "RegionOptStatus": _opt_in_status(name)} for name in page],
            "NextToken": token,
        }

    @aws_operation("account", "GetRegionOptStatus")
    def get_region_opt_status(self, call: ApiCall) -> dict[str, Any]:
        name = call.params["RegionName"]
        if name not in sagemaker_regions():
            raise ApiError("ValidationException", f"There is no Region {name}.")
        return {"RegionName": name, "RegionOptStatus": _opt_in_status(name)}

    def describe_regions(self, request: Request, account_region: AccountRegion) -> Response:
        """EC2's DescribeRegions without filters; raises FallThrough for one with filters, which moto answers."""
        query = dict(parse_qsl(request.get_data(as_text=True)))
        if not set(query) <= _PLAIN_QUERY:
            raise FallThrough
        include_disabled = query.get("AllRegions") == "true"
        names = [name for name in sorted(sagemaker_regions()) if include_disabled or name not in _OPT_IN_REGIONS]
        items = "".join(_region_item_xml(name) for name in names)
        body = (
            '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<requestId>{uuid4()}</requestId><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
        )
        return Response(body, content_type="text/xml;charset=UTF-8")


def _region_item_xml(region: str) -> str:
    status = "not-opted-in" if region in _OPT_IN_REGIONS else "opt-in-not-required"
    endpoint = f"ec2.{region}.amazonaws.com"
    return (
        f"<item><regionName>{escape(region)}</regionName><regionEndpoint>{endpoint}</regionEndpoint>"
        f"<optInStatus>{status}</optInStatus></item>"
    )
