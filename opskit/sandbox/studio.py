"""Studio, which the sandbox does not have: no app runs, and describing one fails."""

from __future__ import annotations

from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError
from opskit.sandbox.list_responses import validated_page
from opskit.sandbox.state import ApiCall

_MOST = 10


class StudioService:
    """ListApps and DescribeApp, which moto lacks; apps count against quotas, so clients that count usage list them."""

    @aws_operation("sagemaker", "ListApps")
    def list_apps(self, call: ApiCall) -> dict[str, Any]:
        apps, token = validated_page(call, [], _MOST)
        return {"Apps": apps, "NextToken": token}

    @aws_operation("sagemaker", "DescribeApp")
    def describe_app(self, call: ApiCall) -> dict[str, Any]:
        name = call.params["AppName"]
        raise ApiError("ResourceNotFound", f"App [{name}] does not exist.")
