"""Who a caller is, as STS tells it."""

from __future__ import annotations

from uuid import uuid4
from xml.sax.saxutils import escape

from moto.sts.models import sts_backends
from werkzeug.wrappers import Request, Response

from opskit.sandbox.signature import key_of, place_of
from opskit.sandbox.state import Place

_USER = "default_user"
"""Whom keys are taken for that nobody made: moto's IAM knows the user by this name."""
_NOBODY = ":user/moto"


def _identity(request: Request) -> tuple[str, str]:
    """The caller's id and ARN: a user, or a role's session. moto names an ARN that no AWS has for unknown keys."""
    place = place_of(request)
    number, arn, _ = sts_backends[place.account]["aws"].get_caller_identity(key_of(request), place.region)
    if arn.endswith(_NOBODY):
        return "AIDAIOSFODNN7EXAMPLE", f"arn:aws:iam::{place.account}:user/{_USER}"
    return str(number), str(arn)


def caller_arn(request: Request) -> str:
    """Who signed a request."""
    return _identity(request)[1]


def caller_identity(request: Request, place: Place) -> Response:
    """STS's GetCallerIdentity."""
    number, arn = (escape(text) for text in _identity(request))
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn><UserId>{number}</UserId><Account>{place.account}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    return Response(body, content_type="text/xml")
