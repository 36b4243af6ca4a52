"""Certificates, proxies and URLs that do not work, each for real on the loopback."""

from __future__ import annotations

import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from opskit.aws.session import open_session
from opskit.core.exceptions import AwsError, ExitCode, OutcomeUnknown
from opskit.explain.flows import explain_text
from tests.slow import serves

EMPTY = b'{"NotebookInstances": []}'
NEEDS_PASSWORD, FORBIDDEN = b"407 Proxy Authentication Required", b"403 Forbidden"


class Quiet(BaseHTTPRequestHandler):
    """Answers every call with an empty list."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(EMPTY)))
        self.end_headers()
        self.wfile.write(EMPTY)

    def log_message(self, *_: Any) -> None:
        pass


def refusing_proxy(status: bytes) -> type[socketserver.StreamRequestHandler]:
    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline(4096).strip():
                pass
            self.wfile.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    return Refusing


def serve_in_thread(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield int(server.socket.getsockname()[1])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def untrusted_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that only itself vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
@serves
def tls_server(untrusted_certificate: Path) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Quiet)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(untrusted_certificate / "cert.pem", untrusted_certificate / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    yield from serve_in_thread(server)


@pytest.fixture(scope="module")
@serves
def plain_server() -> Iterator[int]:
    yield from serve_in_thread(HTTPServer(("127.0.0.1", 0), Quiet))


@pytest.fixture
@serves
def refusing_proxy_server(request: pytest.FixtureRequest) -> Iterator[int]:
    yield from serve_in_thread(socketserver.TCPServer(("127.0.0.1", 0), refusing_proxy(request.param)))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, no_backoff: None) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def failure_of_a_read() -> AwsError:
    with pytest.raises(AwsError) as caught:
        open_session(region="us-east-1").client().read("sagemaker", "list_notebook_instances")
    assert caught.value.exit is ExitCode.AWS_ERROR
    return caught.value


def kinds_explained(failure: AwsError) -> set[str]:
    text = f"opskit: {failure.problem.message}\n        {failure.problem.hint}"
    return {found.match.kind.value for found in explain_text(text, None, lambda: None)}


@pytest.mark.parametrize(
    ("host", "bundle", "says", "step"),
    [
        ("127.0.0.1", None, "does not trust the certificate of 127.0.0.1:{port}: self-signed", "AWS_CA_BUNDLE"),
        ("localhost", "cert.pem", "certificate of localhost:{port} is for another host", "AWS_ENDPOINT_URL"),
        ("127.0.0.1", "none.pem", "none.pem (AWS_CA_BUNDLE) does not exist", "Correct the path"),
        ("127.0.0.1", "junk.pem", "junk.pem (AWS_CA_BUNDLE) contains no certificate", "PEM"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_called_that_with_its_host(
    host: str,
    bundle: str | None,
    says: str,
    step: str,
    tls_server: int,
    untrusted_certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (untrusted_certificate / "junk.pem").write_text("junk")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{host}:{tls_server}")
    if bundle:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(untrusted_certificate / bundle))
    failure = failure_of_a_read()
    assert failure.problem.code == "certificate-refused"
    assert says.format(port=tls_server) in failure.problem.message
    assert step in failure.problem.hint
    assert kinds_explained(failure) == {"certificate"}


def test_a_certificate_that_a_bundle_holds_is_trusted(
    tls_server: int, untrusted_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{tls_server}")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(untrusted_certificate / "cert.pem"))
    assert open_session(region="us-east-1").client().read("sagemaker", "list_notebook_instances")


def test_the_certificates_that_are_trusted_are_read_once_for_all_connections(
    tls_server: int, untrusted_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reading takes 15 ms of CPU time, and a check of twenty Regions makes 240 connections."""
    bundle = untrusted_certificate / "bundle.pem"
    bundle.write_bytes((untrusted_certificate / "cert.pem").read_bytes())
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{tls_server}")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    read: list[tuple[object, ...]] = []
    load = ssl.SSLContext.load_verify_locations

    def note_reading(context: ssl.SSLContext, *files: Any) -> None:
        read.append(files)
        load(context, *files)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", note_reading)
    for session in (open_session(region="us-east-1"), open_session(region="us-west-2")):
        for _ in range(2):
            session.client().read("sagemaker", "list_notebook_instances")
            session.close_idle_connections()
    assert [str(bundle) in files for files in read] == [True]


def test_a_server_without_tls_is_said_to_be_one(plain_server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{plain_server}")
    failure = failure_of_a_read()
    assert f"127.0.0.1:{plain_server} does not speak TLS" in failure.problem.message
    assert kinds_explained(failure) == {"certificate"}


@pytest.mark.parametrize(
    ("scheme", "refusing_proxy_server"),  # a 403 on a connection without TLS may be AWS's own
    [("https", NEEDS_PASSWORD), ("https", FORBIDDEN), ("http", NEEDS_PASSWORD)],
    indirect=["refusing_proxy_server"],
)
def test_a_proxy_that_refuses_is_named_without_its_password(
    scheme: str, refusing_proxy_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{scheme}://sagemaker.invalid")
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://me:hunter2@127.0.0.1:{refusing_proxy_server}")
    failure = failure_of_a_read()
    assert failure.problem.code == "proxy-refused"
    assert f"127.0.0.1:{refusing_proxy_server}" in failure.problem.message
    assert "407" in failure.problem.message or "403 Forbidden" in failure.problem.message
    assert "hunter2" not in f"{failure.problem}"
    assert "HTTPS_PROXY" in failure.problem.hint
    assert kinds_explained(failure) == {"proxy"}


@pytest.mark.parametrize(
    ("proxy_url", "says"),
    [("http://127.0.0.1:9", "proxy could not be reached: 127.0.0.1:9"), ("http://[", "is not a URL")],
)
def test_a_proxy_that_is_not_there_is_named(proxy_url: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy_url)
    failure = failure_of_a_read()
    assert failure.problem.code == "proxy-refused"
    assert says in failure.problem.message
    assert kinds_explained(failure) == {"proxy"}


@pytest.mark.parametrize("url", ["localhost:4566", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
def test_an_endpoint_url_that_is_none_is_quoted(variable: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, url)
    failure = failure_of_a_read()
    assert failure.problem.code == "bad-endpoint"
    assert f"'{url}'" in failure.problem.message
    assert "https:// or http://" in failure.problem.hint
    assert kinds_explained(failure) == {"unreachable"}


def test_what_a_certificate_or_a_proxy_keeps_from_being_sent_has_no_unknown_outcome(
    tls_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opskit.aws.writer import AwsWriter

    for variable, url in (
        ("AWS_ENDPOINT_URL", f"https://127.0.0.1:{tls_server}"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(variable, url)
            writer = AwsWriter(open_session(region="us-east-1").client())
            with pytest.raises(AwsError) as caught:
                writer.call("sagemaker", "stop_notebook_instance", NotebookInstanceName="nb")
            assert not isinstance(caught.value, OutcomeUnknown)
