"""Who may use the sandbox: its own user and root with any key, as on any machine they may do anything; everybody else,
and whoever cannot be told, with a key that the sandbox has printed or issued.

That is a bearer's check: the sandbox verifies no signatures, and on loopback nobody else reads what passes.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from io import BytesIO

from moto.iam.models import iam_backends
from werkzeug.wrappers import Request

from opskit.sandbox.access_key import printed_access_key

OWN_PEER = "opskit.sandbox.own_peer"
"""Where the server puts into a request's environment whether its own user sent it; None: it cannot be told."""

_SIGNED_V4 = re.compile(r"Credential=([^/,\s]+)/")
_SIGNED_V2 = re.compile(r"AWS ([^:\s]+):")
_QUERY_KEYS = ("X-Amz-Credential", "AWSAccessKeyId")
_FORM_KEYS = ("x-amz-credential", "awsaccesskeyid")


def is_allowed_caller(request: Request) -> bool:
    """Whether a request may be answered."""
    return request.environ.get(OWN_PEER) is True or any(map(_is_valid_key, _key_ids(request)))


def _key_ids(request: Request) -> Iterator[str]:
    """Every access key id that a request names: in its signature, its query, or the form of an upload."""
    authorization = request.headers.get("Authorization", "")
    for pattern in (_SIGNED_V4, _SIGNED_V2):
        yield from pattern.findall(authorization)
    for name in _QUERY_KEYS:
        yield from (value.partition("/")[0] for value in request.args.getlist(name))
    if request.method == "POST" and request.mimetype == "multipart/form-data":
        yield from _form_key_ids(request)


def _form_key_ids(request: Request) -> Iterator[str]:
    body = request.get_data()
    request.environ["wsgi.input"] = BytesIO(body)  # for whoever answers it
    form = Request({**request.environ, "wsgi.input": BytesIO(body)}).form
    for name, value in form.items(multi=True):
        if name.lower() in _FORM_KEYS:
            yield value.partition("/")[0]


def _is_valid_key(key: str) -> bool:
    if hmac.compare_digest(key.encode(), printed_access_key().encode()):
        return True
    return any(
        key in partition.access_keys for account in list(iam_backends.values()) for partition in account.values()
    )
