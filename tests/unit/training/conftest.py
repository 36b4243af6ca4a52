"""A workflow that a test may break, and runs that do once what is the same in all of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from opskit.training.metrics import split_rows
from opskit.training.sagemaker_sdk import image_uri
from tests.fakes.workflow_files import BOSTON
from tests.pydantic_sharing import share_validators

SPLIT_ROWS, IMAGE_URI = cache(split_rows), cache(image_uri)
"""The same rows are the same parts, and the SDK reads all of botocore's endpoints anew for each image."""


@pytest.fixture(scope="session", autouse=True)
def shared_validators() -> Iterator[None]:
    """What checks the arguments of the SDK's calls, made once a process. The SDK is imported by the tests below."""
    with pytest.MonkeyPatch.context() as patched:
        share_validators(patched.setattr)
        yield


@pytest.fixture
def quick_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs in an empty folder, of nobody's profile, without what takes longer than all the rest: a picture, the split
    of rows that were split before, and an image that was looked up before.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setattr("opskit.training.render.train.save_plot", lambda *_: None)
    monkeypatch.setattr("opskit.training.flows.train.split_rows", SPLIT_ROWS)
    monkeypatch.setattr("opskit.training.flows.plan.image_uri", IMAGE_URI)


@pytest.fixture
def workflow_copy(tmp_path: Path) -> Path:
    """A copy of the shipped workflow that a test may break."""
    return Path(shutil.copytree(BOSTON, tmp_path / "mine"))
