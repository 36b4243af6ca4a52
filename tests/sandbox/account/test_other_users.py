"""A sandbox is its user's: another user of the same machine gets nothing from it without a key that it printed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opskit.sandbox import access_key, peer_user
from opskit.sandbox.server import Sandbox, SandboxOptions, run_sandbox
from tests.sandbox.conftest import Account
from tests.slow import starts_server

STRANGER = 54321
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a program as another user")

# What another user types: one request, as it stands, from a process that has become that user.
AS_STRANGER = """
import encodings.idna, encodings.latin_1, http.client, json, os, sys
uid, port, method, path, headers, body, hurry = json.loads(sys.argv[1])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
line.request(method, path, body, headers)
if hurry:
    line.close()
    print(json.dumps([0, ""]))
else:
    answer = line.getresponse()
    print(json.dumps([answer.status, answer.read().decode("latin-1")]))
"""


def asks(
    sandbox: Sandbox, method: str, path: str, headers: dict[str, str], body: str = "", *, hurry: bool = False
) -> tuple[int, str]:
    """The answer that another user gets."""
    port = int(sandbox.url.rpartition(":")[2])
    words = json.dumps([STRANGER, port, method, path, headers, body, hurry])
    done = subprocess.run([sys.executable, "-c", AS_STRANGER, words], capture_output=True, text=True, check=True)
    status, text = json.loads(done.stdout)
    return status, text


@pytest.fixture(scope="module")
@starts_server
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        access_key.printed_access_key.cache_clear()
        with run_sandbox(SandboxOptions()) as sandbox:
            yield sandbox
    access_key.printed_access_key.cache_clear()


def signed(key: str, service: str) -> str:
    scope = f"Credential={key}/20260101/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"


def create_notebook(key: str) -> tuple[str, str, dict[str, str], str]:
    headers = {
        "X-Amz-Target": "SageMaker.CreateNotebookInstance",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": signed(key, "sagemaker"),
        "User-Agent": "opskit-sandbox-inside",
    }
    return "POST", "/", headers, json.dumps({"NotebookInstanceName": "theirs"})


Ask = Callable[[str], tuple[str, str, dict[str, str], str]]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOUNDARY = "----x"


def upload(key: str) -> tuple[str, str, dict[str, str], str]:
    fields = {"key": "a", "x-amz-credential": f"{key}/20260101/us-east-1/s3/aws4_request", "file": "content"}
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{BOUNDARY}--\r\n"])
    return "POST", "/theirs", {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}, body


WAYS: dict[str, Ask] = {
    "JSON": create_notebook,
    "STS": lambda key: ("POST", "/", {**FORM, "Authorization": signed(key, "sts")}, "Action=GetCallerIdentity"),
    "S3": lambda key: ("PUT", "/theirs", {"Authorization": signed(key, "s3")}, ""),
    "S3, signed as of old": lambda key: ("PUT", "/theirs", {"Authorization": f"AWS {key}:c2ln"}, ""),
    "presigned": lambda key: ("GET", f"/?X-Amz-Credential={key}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request", {}, ""),
    "presigned as of old": lambda key: ("GET", f"/?AWSAccessKeyId={key}&Signature=x&Expires=9999999999", {}, ""),
    "upload": upload,
    "invocation": lambda key: (
        "POST",
        "/endpoints/x/invocations",
        {"Authorization": signed(key, "sagemaker")},
        "1,2",
    ),
}


@ROOT_ONLY
@pytest.mark.parametrize("way", WAYS)
def test_another_user_needs_the_key_that_was_printed(way: str, served: Sandbox) -> None:
    for key in ("sandbox", "AKIAIOSFODNN7EXAMPLE", ""):
        status, text = asks(served, *WAYS[way](key))
        assert (status, "another user's" in text) == (403, True), text
    status, text = asks(served, *WAYS[way](served.client_environment()["AWS_ACCESS_KEY_ID"]))
    assert "another user's" not in text


@ROOT_ONLY
def test_a_key_that_the_sandbox_issued_is_good_too(served: Sandbox) -> None:
    other = Account(served).other()
    status, _ = asks(served, *WAYS["STS"](other.key))
    assert status == 200


@ROOT_ONLY
def test_who_hangs_up_at_once_is_not_taken_for_root(served: Sandbox) -> None:
    for _ in range(20):
        asks(served, "PUT", "/hurried", {"Authorization": signed("sandbox", "s3")}, hurry=True)
    buckets = [each["Name"] for each in Account(served).client("s3").list_buckets()["Buckets"]]
    assert "hurried" not in buckets


def test_the_own_user_may_use_any_key(served: Sandbox) -> None:
    assert Account(served).client("sts").get_caller_identity()["Account"] == "123456789012"


def test_where_the_peer_cannot_be_told_the_printed_key_counts(served: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.sandbox.server.is_own_peer", lambda *_: None)
    with pytest.raises(Exception, match="another user's"):
        Account(served).client("sagemaker").list_models()
    key = served.client_environment()["AWS_ACCESS_KEY_ID"]
    assert Account(served, key=key).client("sagemaker").list_models()["Models"] == []


@contextmanager
def state_home(folder: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(folder))
        access_key.printed_access_key.cache_clear()
        yield folder / "opskit" / "sandbox-access-key"
    access_key.printed_access_key.cache_clear()


def test_the_key_is_kept_for_its_user_alone(tmp_path: Path) -> None:
    with state_home(tmp_path) as file:
        key = access_key.printed_access_key()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with state_home(tmp_path) as file:
        assert access_key.printed_access_key() == key
    file.chmod(0o644)
    with state_home(tmp_path):
        assert access_key.printed_access_key() != key, "others could have read it"
    with state_home(tmp_path) as file:
        file.unlink()
        (tmp_path / "theirs").write_text("AKIA" + "A" * 16)
        file.symlink_to(tmp_path / "theirs")
        assert access_key.printed_access_key() != "AKIA" + "A" * 16
        assert (tmp_path / "theirs").read_text() == "AKIA" + "A" * 16


def test_a_key_that_cannot_be_kept_is_one_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with state_home(tmp_path / "file" / "below"):
        assert len(access_key.printed_access_key()) == 20


def test_users_that_this_container_does_not_know_may_be_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ["0:", "0100007F:0001", "0100007F:0002", "01", "0:0", "0:0", "0", "65534", "0", "123"]
    monkeypatch.setattr(peer_user, "table_rows", lambda table: iter([row]))
    monkeypatch.setattr(peer_user, "overflow_uid", lambda: 65534)
    assert peer_user.peer_uid(("127.0.0.1", 1), ("127.0.0.1", 2)) is None
    monkeypatch.setattr(peer_user, "overflow_uid", lambda: -1)
    assert peer_user.peer_uid(("127.0.0.1", 1), ("127.0.0.1", 2)) == (65534 if sys.byteorder == "little" else None)
