"""Certificates nobody trusts, proxies that refuse, URLs that are none: what stands between this machine and AWS, by
name and with its host.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from opskit.core.exceptions import AwsError
from opskit.core.message_phrases import BAD_ENDPOINT, PROXY_NOT_REACHED, PROXY_REFUSED, UNTRUSTED_CERTIFICATE

_BUNDLE_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
_COMPANY_HINT = (
    "Behind a proxy that inspects TLS, set AWS_CA_BUNDLE to a PEM file with its root certificate; ask whoever runs "
    "the network for it."
)
_PROXY_HINT = "Check HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT where it asks for a password) and NO_PROXY."


class ConnectionFailure(NamedTuple):
    """The code, sentence and next step of a connection that did not come about: nothing was sent."""

    code: str
    text: str
    hint: str
    passing: bool = False
    """Whether another attempt may well succeed in a moment."""


def connection_failure(error: BaseException) -> ConnectionFailure | None:
    """What stands in the way where it is a certificate, a proxy or their settings; None where it is anything else."""
    from botocore import exceptions as boto

    match error:
        case boto.SSLError():
            return _tls_failure(error, _host_of(error.kwargs.get("endpoint_url")))
        case boto.ProxyConnectionError():
            return _proxy_failure(error, _host_of(error.kwargs.get("proxy_url")))
        # A proxy on the way to an http:// endpoint refuses by an answer, which botocore reads as one of AWS's.
        case boto.ClientError() if str(error.response.get("Error", {}).get("Code")) == "407":
            return _proxy_failure(error, _host_of(_proxy_set()))
        case boto.HTTPClientError() | boto.InvalidProxiesConfigError() if not _is_url(_proxy_set()):
            text = "The proxy that is set (HTTPS_PROXY) is not a URL."
            return ConnectionFailure("proxy-refused", text, _PROXY_HINT)
        case _:
            return None


def _tls_failure(error: BaseException, host: str) -> ConnectionFailure | None:
    said = " ".join(str(each) for each in _causes(error))
    bundle = next((f"{os.environ[name]} ({name})" for name in _BUNDLE_VARIABLES if os.environ.get(name)), "")
    bundle = bundle or "that `ca_bundle` in the AWS profile names"
    # OpenSSL's words, which nothing better carries: its errors have one class for all of these.
    if any(isinstance(each, FileNotFoundError) for each in _causes(error)):
        text = f"The file of trusted certificates {bundle} does not exist."
        return ConnectionFailure("certificate-refused", text, "Correct the path, or unset it.")
    if "NO_CERTIFICATE" in said or "PEM" in said:
        text = f"The file of trusted certificates {bundle} contains no certificate."
        return ConnectionFailure("certificate-refused", text, "It must be a PEM file.")
    if "certificate has expired" in said or "not yet valid" in said:
        text = f"The certificate of {host} is not valid now: it has expired, or this machine's clock is wrong."
        return ConnectionFailure("certificate-refused", text, "Check the clock, and whoever runs that host.")
    if "doesn't match" in said or "mismatch" in said.lower():
        text = f"The certificate of {host} is for another host."
        return ConnectionFailure("certificate-refused", text, "Check AWS_ENDPOINT_URL, and any proxy on the way.")
    if "CERTIFICATE_VERIFY_FAILED" in said:
        why = said.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        text = f"{UNTRUSTED_CERTIFICATE} {host}{f': {why}' if why else ''}."
        return ConnectionFailure("certificate-refused", text, _COMPANY_HINT)
    if "WRONG_VERSION_NUMBER" in said or "UNKNOWN_PROTOCOL" in said:
        text = f"{host} does not speak TLS."
        hint = "Check AWS_ENDPOINT_URL (http:// or https://) and HTTPS_PROXY."
        return ConnectionFailure("certificate-refused", text, hint)
    return None


def _proxy_failure(error: BaseException, host: str) -> ConnectionFailure:
    said = " ".join(str(each) for each in _causes(error))
    refused = said.partition("Tunnel connection failed: ")[2].partition("'")[0].partition(")")[0]
    if "407" in said:
        text = f"{PROXY_REFUSED} {host}: it asks for a user name and a password (407)."
    elif refused:
        text = f"{PROXY_REFUSED} {host}: {refused}."
    else:
        text = f"{PROXY_NOT_REACHED}: {host}."
    return ConnectionFailure(
        # A 4xx is the proxy's policy and comes again; all else may be over in a moment.
        "proxy-refused",
        text,
        _PROXY_HINT,
        passing=not refused.startswith("4") and "407" not in said,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those below it."""
    seen: set[int] = set()
    below: BaseException | None = error
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        yield below
        inner = getattr(below, "kwargs", {}).get("error") if hasattr(below, "kwargs") else None
        below = inner or below.__cause__ or below.__context__


def _host_of(url: object) -> str:
    """The host of a URL and its port, without any name and password."""
    try:
        parts = urlsplit(str(url or ""))
        host = parts.hostname or "the endpoint"
        return f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        return "the endpoint"


def _proxy_set() -> str:
    return next((os.environ[name] for name in _PROXY_VARIABLES if os.environ.get(name)), "")


def _is_url(text: str) -> bool:
    try:
        return not text or bool(urlsplit(text if "//" in text else f"//{text}").hostname)
    except ValueError:
        return False


def require_endpoint_url(url: str) -> None:
    """Refuse what is no URL to send requests to.

    Raises:
        AwsError: it is none.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise bad_endpoint(url)


def bad_endpoint(url: str) -> AwsError:
    """The failure of an endpoint URL that is set and is none."""
    text = f"{BAD_ENDPOINT}: {url!r}."
    hint = "AWS_ENDPOINT_URL (or AWS_ENDPOINT_URL_SERVICE, or `endpoint_url` in the profile) begins with https:// or http://."
    return AwsError("bad-endpoint", text, hint)
