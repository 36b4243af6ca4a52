"""Who a caller is, as STS tells it."""

from __future__ import annotations

from uuid import uuid4
from xml.sax.saxutils import escape

from moto.sts.models import sts_backends
from werkzeug.wrappers import Request, Response

from opskit.sandbox.signature import access_key_id, signed_account_region
from opskit.sandbox.state import AccountRegion

# Whom keys are taken for that nobody made: moto's IAM knows the user by this name.
_DEFAULT_USER = "default_user"
_MOTO_UNKNOWN_USER = ":user/moto"


def _resolve_caller(request: Request) -> tuple[str, str]:
    """The caller's id and ARN: a user, or a role's session."""
    account_region = signed_account_region(request)
    number, arn, _ = sts_backends[account_region.account]["aws"].get_caller_identity(
        access_key_id(request), account_region.region
    )
    # moto names an ARN that no AWS has for unknown keys.
    if arn.endswith(_MOTO_UNKNOWN_USER):
        # The id that AWS's documentation gives a user.
        return "AIDAIOSFODNN7EXAMPLE", f"arn:aws:iam::{account_region.account}:user/{_DEFAULT_USER}"
    return str(number), str(arn)


def caller_arn(request: Request) -> str:
    """Who signed a request."""
    return _resolve_caller(request)[1]


def answer_get_caller_identity(request: Request, account_region: AccountRegion) -> Response:
    """STS's GetCallerIdentity."""
    number, arn = (escape(text) for text in _resolve_caller(request))
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn><UserId>{number}</UserId><Account>{account_region.account}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    return Response(body, content_type="text/xml")
