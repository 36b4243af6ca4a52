"""Who a request is from, and for which service and Region it was signed: all that AWS reads off a signature."""

from __future__ import annotations

from collections.abc import Sequence

from moto.iam.models import get_account_id_from
from werkzeug.wrappers import Request

from opskit.sandbox.api_models import all_regions
from opskit.sandbox.errors import ApiError
from opskit.sandbox.state import AccountRegion, ApiCall

# As in sandbox/20260101/us-east-1/sagemaker/aws4_request.
_SCOPE_PARTS = 5


def _credential_scope(request: Request) -> list[str]:
    """Access key, date, Region, service and version; empty where there is no such signature."""
    return _scope_parts(request.headers.get("Authorization", ""))


def _scope_parts(authorization: str) -> list[str]:
    parts = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return parts if len(parts) == _SCOPE_PARTS else []


def is_signed_for_unknown_region(authorization: str) -> bool:
    """Whether this header's signature is for a Region that no partition of AWS has."""
    scope = _scope_parts(authorization)
    return bool(scope) and scope[2] not in all_regions()


def signing_service(request: Request) -> str | None:
    """The service in the scope of a request's signature, None where there is no such signature."""
    scope = _credential_scope(request)
    return scope[3] if scope else None


def access_key_id(request: Request) -> str:
    """The access key a request is signed with, empty where it is not."""
    scope = _credential_scope(request)
    return scope[0] if scope else ""


def signed_account_region(request: Request) -> AccountRegion:
    """The account and Region a request is signed for; us-east-1 where it is not signed."""
    scope = _credential_scope(request)
    return AccountRegion(get_account_id_from(access_key_id(request)), scope[2] if scope else "us-east-1")


def check_signed_region(call: ApiCall, regions: Sequence[str]) -> None:
    """Refuse a call signed for a Region that a service with few endpoints does not have; AWS has no such host."""
    if call.account_region.region not in regions:
        raise ApiError("InvalidSignatureException", "Credential should be scoped to a valid region.", status=403)
