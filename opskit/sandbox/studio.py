"""Studio, of which the sandbox has nothing: no app runs, and who asks for one by name is told so."""

from __future__ import annotations

from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError
from opskit.sandbox.list_responses import validated_page
from opskit.sandbox.state import ApiCall

_MOST = 10


class StudioService:
    """ListApps and DescribeApp, which moto lacks; apps hold quotas, so who counts what is in use asks for them."""

    @aws_operation("sagemaker", "ListApps")
    def list_apps(self, call: ApiCall) -> dict[str, Any]:
        apps, token = validated_page(call, [], _MOST)
        return {"Apps": apps, "NextToken": token}

    @aws_operation("sagemaker", "DescribeApp")
    def describe_app(self, call: ApiCall) -> dict[str, Any]:
        name = call.params["AppName"]
        raise ApiError("ResourceNotFound", f"App [{name}] does not exist.")
