"""Endpoints that cannot be reached, certificates nobody trusts, proxies that refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from opskit.core.message_phrases import (
    BAD_ENDPOINT,
    NO_ANSWER_WITHIN,
    NOT_REACHED,
    PROXY_NOT_REACHED,
    PROXY_REFUSED,
    UNTRUSTED_CERTIFICATE,
)
from opskit.core.text import compact_text
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import NEARBY, PastedText

# A URL without its user and password, urllib3's host='...', or a resolver's "host:".
_HOST = re.compile(r"(?:https?://(?:[^@/\s'\"]{1,80}@)?|host='|host:)(?P<host>[a-z0-9.-]{3,120}|\[[0-9a-f:]{2,40}\])")
_REGION_IN_HOST = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,10}){1,3}-?[0-9]{1,3}")
# A part of a host that looks like a Region and is none was mistyped: us-est-1.
_REGION_SHAPE = re.compile(r"[a-z]{2}(?:-gov|-isob?)?-(?:north|south|east|west|central)(?:east|west)?-[1-9]")
_BUNDLE = re.compile(r"invalidpath:(?P<path>[^\s'\"]{1,200}?)(?:\[|$|check|set)")
_NO_QUOTA = "No quota is involved."

_BAD_URL = "Invalid endpoint:"
_UNREACHABLE = (
    "Could not connect to the endpoint URL",
    "Connect timeout on endpoint URL",
    "Read timeout on endpoint URL",
    "Connection was closed before we received a valid response",
    "Name or service not known",
    "nodename nor servname",
    "Temporary failure in name resolution",
    "Failed to resolve",
    "No address associated with hostname",
    "Max retries exceeded with url",
    _BAD_URL,
    BAD_ENDPOINT,
    "EndpointConnectionError",
    NOT_REACHED,
    NO_ANSWER_WITHIN,
)
_CERTIFICATE = (
    "SSL validation failed",
    "CERTIFICATE_VERIFY_FAILED",
    "certificate verify failed",
    "unable to get local issuer certificate",
    "self-signed certificate",
    "self signed certificate",
    "certificate signed by unknown authority",
    "Could not find a suitable TLS CA certificate bundle",
    UNTRUSTED_CERTIFICATE,
    "The certificate of",
    "The file of trusted certificates",
    "does not speak TLS",
)
_PROXY = (
    "Failed to connect to proxy URL",
    "Proxy Authentication Required",
    "Unable to connect to proxy",
    "Tunnel connection failed",
    "ProxyConnectionError",
    "Cannot connect to proxy",
    PROXY_REFUSED,
    PROXY_NOT_REACHED,
    "The proxy that is set",
)


def _network_finder(kind: ErrorKind, phrases: tuple[str, ...]) -> Callable[[PastedText], Iterator[ErrorMatch]]:
    pattern = re.compile("|".join(re.escape(compact_text(phrase)) for phrase in phrases))

    def find(text: PastedText) -> Iterator[ErrorMatch]:
        end = -1
        for found in text.matches(pattern):
            if found.start() >= end:
                end = found.start() + NEARBY
                host = _HOST.search(text.flat, found.start(), end) or _HOST.search(text.around(found.start()))
                bundle = _BUNDLE.search(text.flat, found.start(), end)
                path = text.word(bundle, "path") if bundle else ""
                yield ErrorMatch(kind, found.start(), subject=host["host"] if host else "", details=(path, found[0]))

    return find


def _explain_unreachable(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    if error.detail(1) in (compact_text(_BAD_URL), compact_text(BAD_ENDPOINT)):
        reason = f"The endpoint URL that is set is not one: it has to begin with https:// or http://. {_NO_QUOTA}"
        return ExplanationParts(reason, "Correct AWS_ENDPOINT_URL (or AWS_ENDPOINT_URL_SERVICE, or `endpoint_url`).")
    reason = f"{error.subject or 'The endpoint'} could not be reached or did not answer in time. {_NO_QUOTA}"
    region = _REGION_IN_HOST.search(error.subject)
    odd = region and not _REGION_SHAPE.fullmatch(region[0]) and ".amazonaws." in error.subject
    spelled = f" '{region[0]}' is not spelled like a Region of AWS's." if region and odd else ""
    hint = (
        f"Check the Region's name.{spelled} Then: the network, a VPC without a route or VPC endpoint to the service, "
        "a proxy (HTTPS_PROXY), and AWS_ENDPOINT_URL if it is set."
    )
    return ExplanationParts(reason, hint)


def _explain_certificate(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    path = error.detail(0)
    if path:
        reason = f"The file of trusted certificates {path} does not exist. {_NO_QUOTA}"
        return ExplanationParts(
            reason, "Correct or unset AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, or `ca_bundle` in the profile."
        )
    reason = (
        f"This machine does not trust the certificate of {error.subject or 'the endpoint'}: usually a company proxy "
        f"reads along with a certificate of its own. {_NO_QUOTA}"
    )
    hint = "Set AWS_CA_BUNDLE to a file with that proxy's root certificate, which whoever runs the network has."
    return ExplanationParts(reason, hint)


def _explain_proxy(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    proxy = f"The proxy {error.subject}" if error.subject else "The proxy"
    reason = f"{proxy} could not be reached, or did not let the request through. {_NO_QUOTA}"
    hint = "Check HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT where it asks for a password) and NO_PROXY."
    return ExplanationParts(reason, hint)


RULES = (
    ErrorRule(
        ErrorKind.UNREACHABLE,
        _network_finder(ErrorKind.UNREACHABLE, _UNREACHABLE),
        _explain_unreachable,
        frozenset({ErrorKind.CERTIFICATE, ErrorKind.PROXY}),
        own_codes=("unreachable",),
    ),
    ErrorRule(
        ErrorKind.CERTIFICATE,
        _network_finder(ErrorKind.CERTIFICATE, _CERTIFICATE),
        _explain_certificate,
        own_codes=("certificate-refused",),
    ),
    ErrorRule(
        ErrorKind.PROXY,
        _network_finder(ErrorKind.PROXY, _PROXY),
        _explain_proxy,
        own_codes=("proxy-refused",),
    ),
)
