"""The way to a Jupyter: heads, redirects, certificates, proxies, and whatever can go wrong there."""

from __future__ import annotations

import io
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opskit.aws import connections, session
from opskit.core.model import JupyterState, Unknown
from opskit.notebooks.reads import jupyter_client
from opskit.notebooks.reads.jupyter import inspect_jupyter
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.listening import stop_listening
from tests.unit.notebooks.test_jupyter import HOUR, KEY, look, never, served, sight

pytestmark = pytest.mark.usefixtures("patient_jupyter")


@contextmanager
def saying(*answers: bytes, drip: bool = False) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers, one a question, whatever is asked; and what it was asked."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        with suppress(OSError):
            for answer in answers:
                line, _ = listener.accept()
                with line:
                    heard.append(line.recv(65536))
                    for at in range(0, len(answer), 1 if drip else len(answer)):
                        line.sendall(answer[at : at + 1] if drip else answer)
                        time.sleep(0.02 if drip else 0)

    talking = threading.Thread(target=talk, daemon=True)
    talking.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        stop_listening(listener, talking)


def moved(to: str, more: str = "") -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


COOKIE = "Set-Cookie: session=a-secret-cookie; Path=/\r\n"


@pytest.mark.served
@pytest.mark.usefixtures("hasty_jupyter")
def test_jupyter_a_head_that_drips_is_cut_off() -> None:
    with saying(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, drip=True) as (url, _):
        seen = inspect_jupyter(lambda: f"{url}?authToken={KEY}", never)
    assert isinstance(seen, Unknown)
    assert "did not answer within" in seen.reason


@pytest.mark.served
@pytest.mark.parametrize("more", ["", COOKIE], ids=["without a cookie", "with a cookie"])
def test_jupyter_nobody_is_followed_to_another_host(more: str) -> None:
    with saying(moved("/")) as (elsewhere, heard), saying(*[moved(elsewhere, more)] * 20) as (url, _):
        seen = inspect_jupyter(lambda: f"{url}?authToken={KEY}", never)
    assert isinstance(seen, Unknown) or seen.errors
    assert heard == []


@pytest.mark.served
def test_jupyter_nobody_is_followed_in_circles() -> None:
    with saying(*[moved("/again")] * 20) as (url, heard):
        seen = inspect_jupyter(lambda: f"{url}?authToken={KEY}", never)
    assert isinstance(seen, Unknown)
    assert "redirects in a loop" in seen.reason
    assert len(heard) == 6


@pytest.mark.served
def test_jupyter_a_body_that_breaks_off_is_no_answer() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[]"
    with saying(moved("/tree", COOKIE), *[cut] * 20) as (url, _):
        seen = inspect_jupyter(lambda: f"{url}?authToken={KEY}", never)
    assert "IncompleteRead" in repr(seen)


def trouble(instance_type: str) -> Iterator[str]:
    """The URLs of Jupyters that fail in every way."""
    if instance_type == "nobody is there":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        yield f"http://127.0.0.1:{port}?authToken={KEY}"
    elif instance_type == "no such host":
        yield f"http://no-such-host.invalid?authToken={KEY}"
    elif instance_type == "no URL":
        yield f"http://[::1?authToken={KEY}"
    elif instance_type == "no page":
        yield f"file:///etc/passwd?authToken={KEY}"
    elif instance_type == "odd characters":
        yield f"http://127.0.0.1:9/\r\nX: y?authToken={KEY}"
    elif instance_type == "no port":
        yield f"http://127.0.0.1:none?authToken={KEY}"
    else:
        answers = {
            "not HTTP": b"what?\r\n\r\n" + KEY.encode(),
            "a wild head": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
            "a wild redirect": moved(f"http://[/{KEY}", COOKIE),
            "a closed door": b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        }
        with saying(*[answers[instance_type]] * 9) as (url, _):
            yield f"{url}?authToken={KEY}"


@pytest.mark.served
@pytest.mark.parametrize(
    "kind",
    [
        "nobody is there",
        "no such host",
        "no URL",
        "no page",
        "odd characters",
        "no port",
        "not HTTP",
        "a wild head",
        "a wild redirect",
        "a closed door",
    ],
)
def test_jupyter_what_fails_is_a_sentence_that_tells_no_key(
    kind: str, logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    for url in trouble(kind):
        seen = inspect_jupyter(lambda url=url: url, never)  # type: ignore[misc]
    assert isinstance(seen, Unknown)
    told = "".join([repr(seen), logged.getvalue(), *capfd.readouterr()])
    assert "secret" not in told


@pytest.mark.served
def test_jupyter_a_bug_in_the_visit_is_a_sentence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(self: jupyter_client.JupyterClient, what: str) -> Any:
        raise RuntimeError(f"about {self._next_url} {KEY}")

    monkeypatch.setattr(jupyter_client.JupyterClient, "get_json", stumble)
    seen = sight(FakeNotebook("lab"))
    assert isinstance(seen, Unknown)
    assert "secret" not in repr(seen)


def test_jupyter_what_makes_the_key_may_fail_as_it_likes() -> None:
    def fail() -> str:
        raise LookupError("AWS said no")

    with pytest.raises(LookupError, match="AWS said no"):
        inspect_jupyter(fail, never)


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate for a host that vouches for itself: the file to serve with, and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a Jupyter")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - HOUR)
        .not_valid_after(now + HOUR)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    served, trusted = folder / "served.pem", folder / "trusted.pem"
    served.write_bytes(private + made.public_bytes(pem))
    trusted.write_bytes(made.public_bytes(pem))
    return served, trusted


@pytest.mark.served
@pytest.mark.parametrize(
    ("host", "trusted", "let_in"),
    [
        pytest.param("127.0.0.1", True, True, id="vouched for"),
        pytest.param("127.0.0.1", False, False, id="by nobody"),
        pytest.param("127.0.0.9", True, False, id="for another host"),
    ],
)
def test_jupyter_a_certificate_must_be_right(
    host: str, trusted: bool, let_in: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, ca = certificate(tmp_path, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(ca))
    connections.trust_configured_bundle(None)
    with served(rooms := FakeNotebooks.of(FakeNotebook("lab").kernel("idle", HOUR)), context):
        seen = look(rooms)
    assert isinstance(seen, JupyterState) is let_in
    assert let_in or "certificate" in repr(seen)


@pytest.mark.served
@pytest.mark.parametrize("bundle", ["right", "wrong", None])
def test_jupyter_the_certificates_of_the_aws_profile_count(
    bundle: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, ca = certificate(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    connections.trust_configured_bundle(None)
    named = {"right": ca, "wrong": certifi.where(), None: None}[bundle]
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = us-east-1\n" + (f"ca_bundle = {named}\n" if named else ""))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    session.open_session(profile="work")
    with served(rooms := FakeNotebooks.of(FakeNotebook("lab").kernel("idle", HOUR)), context):
        assert isinstance(look(rooms), JupyterState) is (bundle == "right")


@pytest.mark.served
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_jupyter_a_proxy_of_the_environment_is_used(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with saying(*[b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"] * 9) as (proxy, heard):
        monkeypatch.setenv(f"{scheme}_proxy", proxy.replace("//", "//me:a-secret-word@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        seen = inspect_jupyter(lambda: f"{scheme}://lab.notebook.us-east-1.sagemaker.aws?authToken={KEY}", never)
    first = b"CONNECT lab.notebook" if scheme == "https" else b"GET http://lab.notebook"
    assert heard[0].startswith(first)
    assert b"Proxy-Authorization: Basic" in heard[0]
    assert isinstance(seen, Unknown)
    assert "secret" not in repr(seen)


@pytest.mark.served
def test_jupyter_a_jupyter_may_live_at_any_address_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """One address that nobody answers at does not hide the next."""
    with served(rooms := FakeNotebooks.of(FakeNotebook("lab").kernel("idle", HOUR))) as server:
        there = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.server_port))
        gone = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
        monkeypatch.setattr("socket.getaddrinfo", lambda *asked: [gone, there])
        assert isinstance(look(rooms), JupyterState)


@pytest.mark.served
def test_jupyter_the_small_jupyter_is_like_jupyter() -> None:
    """It keeps what the real one is known for: an ordinary look wakes it, and nobody enters without a key."""
    lab = FakeNotebook("lab")
    with served(rooms := FakeNotebooks.of(lab)) as server:
        with socket.create_connection(("127.0.0.1", server.server_port)) as line:
            line.sendall(b"GET /api/kernels HTTP/1.0\r\n\r\n")
            assert b" 403 " in line.recv(65536)
        before = lab.used
        with socket.create_connection(("127.0.0.1", server.server_port)) as line:
            line.sendall(f"GET /api/kernels HTTP/1.0\r\nCookie: session={KEY}\r\n\r\n".encode())
            answer = line.recv(65536)
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == []
        assert lab.used > before
    assert rooms.counted == ["kernels"]
