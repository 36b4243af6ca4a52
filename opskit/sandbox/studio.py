"""Studio, of which the sandbox has nothing: no app runs, and who asks for one by name is told so."""

from __future__ import annotations

from typing import Any

from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError
from opskit.sandbox.list_responses import one_page
from opskit.sandbox.state import Call

_MOST = 10


class Studio:
    """ListApps and DescribeApp, which moto lacks; apps hold quotas, so who counts what is in use asks for them."""

    @owns("sagemaker", "ListApps")
    def list_apps(self, call: Call) -> dict[str, Any]:
        apps, token = one_page(call, [], _MOST)
        return {"Apps": apps, "NextToken": token}

    @owns("sagemaker", "DescribeApp")
    def describe_app(self, call: Call) -> dict[str, Any]:
        name = call.params["AppName"]
        raise ApiError("ResourceNotFound", f"App [{name}] does not exist.")
