"""What something that stays uses, and does not name itself, is not deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.test_cleanup_cli import (
    HOME,
    JOB,
    OLDER,
    account_with_endpoint,
    existing_resources,
    kept_reasons,
    run_cleanup,
)


@pytest.fixture(autouse=True)
def other_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_cleanup_the_further_data_of_a_colleagues_model_stay(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    source = {"ChannelName": "adapter", "S3DataSource": {"S3Uri": f"{HOME}/{JOB}/output/model.tar.gz"}}
    account.put("Model", OLDER, PrimaryContainer={"Image": "i", "AdditionalModelDataSources": [source]})
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account), len(account.objects)) == (0, {("Model", OLDER)}, 3)
    assert kept_reasons(ended)["objects", f"{HOME}/{JOB}/"] == f"the model {OLDER} stays and uses it"


@pytest.mark.parametrize(
    ("kind", "more", "kept"),
    [
        ("Model", {"PrimaryContainer": {"ModelPackageName": "p"}}, set()),
        ("EndpointConfig", {"ProductionVariants": [{"VariantName": "A", "InstanceType": "ml.m5.xlarge"}]}, {"Model"}),
    ],
    ids=["a model of a model package", "models that inference components name"],
)
def test_cleanup_what_only_others_tell_may_be_anything(
    kind: str, more: dict[str, Any], kept: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    account = account_with_endpoint()
    account.put(kind, OLDER, **more)
    ended = run_cleanup(account, capsys)
    assert (ended.code, len(account.objects)) == (5, 3)
    assert existing_resources(account) == {(kind, OLDER), *((each, JOB) for each in kept)}
    assert "could not be read" in kept_reasons(ended)["objects", f"{HOME}/{JOB}/"]
