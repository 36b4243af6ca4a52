"""Repositories that notebook instances clone: kept by name, cloned by git, and said when they cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from opskit.sandbox.scenarios import ROLE_NAME

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

ROLE = f"arn:aws:iam::123456789012:role/service-role/{ROLE_NAME}"
ANYONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
ANYONE |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a repository with one file on its first branch and two on ``more``."""
    folder = tmp_path_factory.mktemp("git") / "lessons.git"
    folder.mkdir()

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, env=os.environ | ANYONE, check=True, capture_output=True)

    git("init", "--quiet")
    for name in ("one", "two"):
        (folder / f"{name}.txt").write_text(name)
        git("add", ".")
        git("commit", "--quiet", "-m", name)
        git("checkout", "--quiet", "-b", f"after-{name}")
        git("tag", name)
    git("checkout", "--quiet", "-b", "first", "one")
    return folder.as_uri()


@pytest.fixture(scope="module")
def sagemaker(lab_account: Any) -> Any:
    return lab_account.elsewhere("eu-west-2", {"ml.t2.medium for notebook instance usage": 2})


def _made(sagemaker: Any, name: str, until: Any, **more: Any) -> dict[str, Any]:
    """A notebook instance once it is no longer Pending."""
    sagemaker.create_notebook_instance(NotebookInstanceName=name, InstanceType="ml.t2.medium", RoleArn=ROLE, **more)
    return dict(
        until(
            lambda: sagemaker.describe_notebook_instance(NotebookInstanceName=name),
            lambda seen: seen["NotebookInstanceStatus"] != "Pending",
        )
    )


def test_a_repository_is_kept_by_its_name(sagemaker: Any, lessons: str) -> None:
    config = {"RepositoryUrl": "https://git.example/lessons.git", "Branch": "main"}
    arn = sagemaker.create_code_repository(
        CodeRepositoryName="Kept", GitConfig=config, Tags=[{"Key": "team", "Value": "a"}]
    )["CodeRepositoryArn"]
    secret = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:token"
    sagemaker.update_code_repository(CodeRepositoryName="Kept", GitConfig={"SecretArn": secret})
    (row,) = sagemaker.list_code_repositories(NameContains="kept", MaxResults=100)["CodeRepositorySummaryList"]
    described = sagemaker.describe_code_repository(CodeRepositoryName="Kept")
    assert row["GitConfig"] == described["GitConfig"] == {**config, "SecretArn": secret}
    assert described["LastModifiedTime"] > described["CreationTime"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    with pytest.raises(ClientError, match="duplicate"):
        sagemaker.create_code_repository(CodeRepositoryName="Kept", GitConfig=config)
    sagemaker.delete_code_repository(CodeRepositoryName="Kept")
    with pytest.raises(ClientError, match="not found"):
        sagemaker.describe_code_repository(CodeRepositoryName="Kept")


@pytest.mark.parametrize(
    "url", ["ext::sh -c true", "git@git.example:a.git", "http://git.example/a", "/home/me/lessons"]
)
def test_what_aws_would_not_clone_is_refused(url: str, sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="regular expression"):
        sagemaker.create_code_repository(CodeRepositoryName="bad", GitConfig={"RepositoryUrl": url})


def test_a_notebook_has_its_repositories_on_its_volume(sagemaker: Any, lessons: str, wait_for_state: Any) -> None:
    renamed = f"{lessons.removesuffix('.git')}-again"
    shutil.copytree(lessons.removeprefix("file://"), renamed.removeprefix("file://"))
    config = {"RepositoryUrl": renamed, "Branch": "after-two"}
    sagemaker.create_code_repository(CodeRepositoryName="second", GitConfig=config)
    made = _made(
        sagemaker, "reader", wait_for_state, DefaultCodeRepository=lessons, AdditionalCodeRepositories=["second"]
    )
    assert (made["NotebookInstanceStatus"], made["DefaultCodeRepository"]) == ("InService", lessons)
    url = sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName="reader")["AuthorizedUrl"]
    with requests.Session() as visit:
        visit.trust_env = False
        visit.get(url)
        host = url.partition("?")[0]
        found = {
            folder: [file["name"] for file in visit.get(f"{host}/api/contents/{folder}").json()["content"]]
            for folder in ("lessons", "lessons-again")
        }
    assert {folder: sorted(files) for folder, files in found.items()} == {
        "lessons": ["one.txt"],
        "lessons-again": ["one.txt", "two.txt"],
    }


def test_what_cannot_be_cloned_fails_the_notebook_and_can_be_mended(
    sagemaker: Any, lessons: str, wait_for_state: Any
) -> None:
    with pytest.raises(ClientError, match="not found"):
        _made(sagemaker, "broken", wait_for_state, DefaultCodeRepository="no-such-name")
    failed = _made(sagemaker, "broken", wait_for_state, DefaultCodeRepository=f"{lessons}/nothing")
    assert failed["NotebookInstanceStatus"] == "Failed"
    assert failed["FailureReason"].startswith(f"{lessons}/nothing could not be cloned: fatal: ")
    sagemaker.update_notebook_instance(
        NotebookInstanceName="broken", DefaultCodeRepository=lessons, InstanceType="ml.t3.medium", VolumeSizeInGB=20
    )
    mended = wait_for_state(
        lambda: sagemaker.describe_notebook_instance(NotebookInstanceName="broken"),
        lambda seen: seen["NotebookInstanceStatus"] == "Stopped",
    )
    assert (mended["DefaultCodeRepository"], mended["InstanceType"], mended["VolumeSizeInGB"]) == (
        lessons,
        "ml.t3.medium",
        20,
    )
    assert "FailureReason" not in mended
