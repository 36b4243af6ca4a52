"""Whatever an endpoint does, ``quotas check`` never says ``fits`` where something was not read, and never crashes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from opskit.cli import main
from opskit.core.model import Requirement, Workload
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.requirements import check_requirements, quota_name_for, with_totals
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault
from tests.seeds import few_of_many

FAULTS = (BROKEN, CLOSED, DENIED, GARBLED, THROTTLED)
RUNS = 12
REGIONS = ("us-east-1", "eu-west-1")
OTHERS = [Requirement("ml.g4dn.xlarge", Workload.TRAINING), Requirement("ml.m5.xlarge", Workload.TRAINING)]
NAMES = [quota_name_for(requirement) for requirement in with_totals([*check_requirements(()), *OTHERS])]


def random_quotas(chance: random.Random) -> list[Entry]:
    """A Region in which anything may be missing, moved to another code, or without a value."""
    quotas: list[Entry] = []
    for name in NAMES:
        code = bundled_codes().get(name, f"L-{len(quotas):08d}")
        if chance.random() < 0.1:
            code = chance.choice(list(bundled_codes().values()))
        applied = chance.choice([None, 0, 1, 4, 0.5, 3e9])
        default = chance.choice([None, 0, 1, 4])
        quotas.append(Entry(name, code, applied, default, "not now" if chance.random() < 0.1 else ""))
    return [quota for quota in quotas if chance.random() > 0.1]


def true_values(quotas: list[Entry], name: str) -> float | None:
    """What the quota is really worth: None where nobody could know."""
    found = next((quota for quota in quotas if quota.name == name), None)
    if found is None or found.reason:
        return None
    return found.default if found.applied is None else found.applied


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("life", few_of_many(1, 40))
def test_check_under_faults_never_reports_room_that_is_not_there(
    life: int, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one life opskit sees accounts that differ, and remembers of each what may be wrong of the next."""
    for seed in range(RUNS * life, RUNS * (life + 1)):
        chance = random.Random(seed)
        fake_aws.by_region = {region: random_quotas(chance) for region in REGIONS}
        notebooks = chance.choice([0, 1, 3])
        fake_aws.running["ListNotebookInstances"] = lambda _, many=notebooks: {  # type: ignore[misc]
            "NotebookInstances": [random_notebook(number) for number in range(many)]
        }
        share = chance.choice([0.0, 0.1, 0.6])
        fake_aws.fault = lambda called, region, chance=chance, share=share: (  # type: ignore[misc]
            chance.choice(FAULTS) if chance.random() < share else None
        )
        code, envelope = run_faulty_check(capsys, chance)
        for row in envelope["data"].get("quotas", ()):
            assert_row_true(row, fake_aws.by_region[row["region"]], notebooks, seed)
        assert code in (0, 3, 4, 5), (seed, envelope)


def run_faulty_check(capsys: pytest.CaptureFixture[str], chance: random.Random) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    where = [word for region in REGIONS[: chance.choice([1, 2])] for word in ("--region", region)]
    with pytest.raises(SystemExit) as ended:
        main(["quotas", "check", "-o", "json", *where])
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    envelope: dict[str, Any] = json.loads(told.out)
    assert envelope["exit"] == int(ended.value.code or 0)
    return envelope["exit"], envelope


def assert_row_true(row: dict[str, Any], quotas: list[Entry], notebooks: int, seed: int) -> None:
    value = true_values(quotas, row["quota_name"])
    if row["verdict"] == "fits":
        used = notebooks if row["usage"] == "notebook" else 0
        assert value is not None, (seed, row)
        assert value - used >= row["need"], (seed, row)
        assert row["in_use"] == used, (seed, row)
    if row["verdict"] == "not-offered":
        there = [quota for quota in quotas if quota.name == row["quota_name"]]
        assert not there or (there[0].applied, there[0].default) == (None, None) or "as of" in row["because"], (
            seed,
            row,
        )
    for other in row["alternatives"]:
        assert other["free"] <= (
            true_values(quotas, row["quota_name"].replace(row["instance_type"], other["instance_type"])) or 0
        )
    assert row["free"] is None or row["free"] >= 0
    assert row["because"]


def random_notebook(number: int) -> dict[str, str]:
    return {
        "NotebookInstanceName": f"n{number}",
        "NotebookInstanceArn": "arn:a",
        "NotebookInstanceStatus": "InService",
        "InstanceType": "ml.t2.medium",
    }


def test_the_faults_of_this_test_are_faults() -> None:
    assert all(isinstance(fault, Fault) for fault in FAULTS)
