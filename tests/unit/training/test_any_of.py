"""Several instance types of which AWS takes one: only those with room are named, as one short type refuses all."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from opskit.aws.api_members import has_request_member
from opskit.core.cost import CostItem
from opskit.core.exceptions import UsageError
from opskit.core.model import InstanceConfig, Price, Unknown, Workload
from opskit.training.rules.budget_time import budget_hint, fitting_refusal, longest_training
from opskit.training.rules.instance_preferences import parse_any_of
from tests.fakes.account import Account, in_memory
from tests.fakes.cli_runner import CliResult, run_opskit

pytestmark = pytest.mark.usefixtures("quick_runs")

M5, C5, M4, R5 = "ml.m5.xlarge", "ml.c5.xlarge", "ml.m4.xlarge", "ml.r5.xlarge"
TOTALS = {
    "Number of instances across all training jobs": 4.0,
    "Maximum number of instances per training job": 20.0,
    "Number of instances across all transform jobs": 4.0,
    "Number of instances across active endpoints": 4.0,
    "Maximum number of instances per endpoint": 20.0,
}


def quotas(*types: str, uses: tuple[str, ...] = ("training job", "transform job", "endpoint")) -> dict[str, float]:
    """Room for one of each of these types, and a quota of 0 for all others that are named here."""
    return TOTALS | {f"{name} for {use} usage": float(name in types) for name in (M5, C5, M4, R5) for use in uses}


def run_in(capsys: pytest.CaptureFixture[str], account: Account, *words: str) -> CliResult:
    with in_memory(account):
        return run_opskit(capsys, *words, "-o", "json")


def made(account: Account, kind: str) -> list[dict[str, Any]]:
    return [thing.params for thing in account.things.values() if thing.kind == kind]


def test_the_types_with_room_are_sent_and_the_others_named(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account(quotas=quotas(C5, M4))
    ended = run_in(capsys, account, "train", "boston", "--any-of", f"{M5},{C5},{M4}", "--deploy")
    assert ended.code == 0, ended.err
    (job,) = made(account, "TrainingJob")
    assert job["ResourceConfig"]["InstancePreferences"] == [{"InstanceType": C5}, {"InstanceType": M4}]
    assert "InstanceType" not in job["ResourceConfig"]
    (transform,) = made(account, "TransformJob")
    assert transform["TransformResources"]["InstanceType"] == C5  # a transform takes one type
    (config,) = made(account, "EndpointConfig")
    pools = config["ProductionVariants"][0]["InstancePools"]
    assert pools == [{"InstanceType": C5, "Priority": 1}, {"InstanceType": M4, "Priority": 2}]
    left_out = ended.data["plan"]["left_out"]
    assert {(each["usage"], each["instance_type"]) for each in left_out} == {
        (usage, M5) for usage in ("training", "transform", "endpoint")
    }
    assert all(each["because"] == "the quota is 0" for each in left_out)


def test_a_run_is_found_again_whatever_has_room_by_then(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account(quotas=quotas(C5, M4))
    first = run_in(capsys, account, "train", "boston", "--any-of", f"{M5},{C5},{M4}")
    account.quotas = quotas(M5, C5)
    again = run_in(capsys, account, "train", "boston", "--any-of", f"{M5},{C5},{M4}")
    assert again.data["job"] == first.data["job"] is not None
    assert len(made(account, "TrainingJob")) == 1


def test_what_a_training_cost_is_a_bound_where_aws_takes_one_of_several_types(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The price is that of the dearest; which one AWS took has another."""
    told = []
    for types in ((M5, M4), (M4,)):
        with in_memory(Account(quotas=quotas(*types))):
            ended = run_opskit(capsys, "train", "boston", "--any-of", ",".join(types), "--max-usd", "5")
        told += [line.partition("s of training")[2] for line in ended.out.splitlines() if "AWS bills" in line]
    assert [(each.startswith(", at most "), each.endswith(" USD.")) for each in told] == [(True, True), (False, True)]


def test_one_type_with_room_is_sent_as_a_type(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account(quotas=quotas(M4))
    ended = run_in(capsys, account, "train", "boston", "--any-of", f"{M5},{M4}")
    assert ended.code == 0
    assert made(account, "TrainingJob")[0]["ResourceConfig"]["InstanceType"] == M4


def test_no_room_for_any_refuses_and_makes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account(quotas=quotas())
    ended = run_in(capsys, account, "train", "boston", "--any-of", f"{M5},{C5}")
    assert ended.code == 3
    assert ended.envelope["errors"][0]["code"] == "no-room"
    assert {each["instance_type"] for each in ended.data["plan"]["left_out"]} == {M5, C5}
    assert account.things == {}


def test_deploy_takes_the_types_with_room(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account(quotas=quotas(M4, R5, C5))
    trained = run_in(capsys, account, "train", "boston")
    assert trained.code == 0, trained.err
    ended = run_in(capsys, account, "deploy", "boston", "--any-of", f"{M5},{R5},{C5}")
    assert ended.code == 0, ended.err
    assert (ended.data["any_of"], [each["instance_type"] for each in ended.data["left_out"]]) == ([R5, C5], [M5])
    pools = made(account, "EndpointConfig")[0]["ProductionVariants"][0]["InstancePools"]
    assert [pool["InstanceType"] for pool in pools] == [R5, C5]
    again = run_in(capsys, account, "deploy", "boston", "--any-of", f"{M5},{R5},{C5}")
    assert (again.code, again.data["endpoint"]) == (0, ended.data["endpoint"])
    assert len(made(account, "EndpointConfig")) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--any-of", "m5"), "m5"),
        (("--any-of", " , "), "names no instance type"),
        (("--any-of", M5, "--instance-type", C5), "exclude each other"),
        (("--fit-budget",), "needs a budget"),
    ],
)
def test_flags_that_make_no_sense(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str) -> None:
    ended = run_in(capsys, Account(), "train", "boston", *words)
    assert ended.code == 2
    assert says in ended.envelope["errors"][0]["message"]


def test_types_are_named_once() -> None:
    assert parse_any_of(f"{M5}, {C5},{M5}") == (M5, C5)
    assert parse_any_of(None) == ()
    with pytest.raises(UsageError):
        parse_any_of("ml.m5")


def test_the_installed_botocore_is_asked_what_it_knows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert has_request_member("sagemaker", "CreateTrainingJob", "ResourceConfig", "InstanceCount")
    assert not has_request_member("sagemaker", "CreateTrainingJob", "ResourceConfig", "InstanceWishes")
    assert has_request_member("sagemaker", "CreateEndpointConfig", "ProductionVariants", "ModelName")
    monkeypatch.setattr("opskit.training.flows.instance_choice.has_request_member", lambda *path: False)
    account = Account(quotas=quotas(M5, C5))
    ended = run_in(capsys, account, "train", "boston", "--any-of", f"{M5},{C5}")
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (2, "sdk-too-old")
    assert account.things == {}


def test_a_warm_pool_is_checked_and_paid_for_with_its_training(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(Path(__file__).parents[3] / "workflows" / "boston", "mine")
    text = Path("mine/workflow.toml").read_text()
    Path("mine/workflow.toml").write_text(text.replace("volume_gb = 10", 'volume_gb = 10\nkeep_alive = "30m"'))
    pool = f"{M4} for training warm pool usage"
    refused = run_in(capsys, Account(quotas=quotas(M4) | {pool: 0.0}), "train", "./mine")
    assert (refused.code, refused.envelope["errors"][0]["code"]) == (3, "no-room")
    account = Account(quotas=quotas(M4) | {pool: 1.0})
    ended = run_in(capsys, account, "train", "./mine")
    assert ended.code == 0, ended.err
    assert ended.data["estimate_usd"] == pytest.approx(0.56)  # an hour, then half an hour each of pool and transform
    assert made(account, "TrainingJob")[0]["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 1800


def cost_parts(seconds: int = 3600, usd: str = "0.30", count: int = 1, **more: str) -> list[CostItem]:
    parts = [CostItem(Workload.TRAINING, InstanceConfig(M5, count, seconds), Price(Decimal(usd), "test"))]
    if "transform" in more:
        parts.append(CostItem(Workload.TRANSFORM, InstanceConfig(M5, 1, 1800), Price(Decimal(more["transform"]), "")))
    if "endpoint" in more:
        parts.append(CostItem(Workload.ENDPOINT, InstanceConfig(M5), Price(Decimal(more["endpoint"]), "")))
    return parts


@pytest.mark.parametrize(
    ("parts", "budget", "seconds"),
    [
        (cost_parts(), "0.15", 1800),
        (cost_parts(count=2), "0.15", 900),
        (cost_parts(transform="0.20"), "0.15", 600),
        (cost_parts(transform="0.20", endpoint="0.04"), "0.15", 120),
        (cost_parts(endpoint="0.20"), "0.15", 0),
        (cost_parts()[1:], "0.15", None),
    ],
)
def test_the_longest_training_that_fits_a_budget(parts: list[CostItem], budget: str, seconds: int | None) -> None:
    assert longest_training(parts, Decimal(budget)) == seconds


def test_an_unknown_price_fits_no_budget() -> None:
    unknown = CostItem(Workload.TRAINING, InstanceConfig(M5, 1, 60), Unknown("nobody knows"))
    assert longest_training([unknown], Decimal(5)) is None


def test_a_training_is_never_given_less_time_than_the_last_one_took() -> None:
    assert fitting_refusal(600, 600, Decimal(1)) is None
    assert fitting_refusal(600, None, Decimal(1)) is None
    for longest, last in ((599, 600), (0, None)):
        assert fitting_refusal(longest, last, Decimal(1)) is not None
    unread = Unknown("AWS denied it.")
    refusal = fitting_refusal(600, unread, Decimal(1))
    assert refusal is not None
    assert refusal.problem.message.endswith("is not known: AWS denied it.")
    assert budget_hint(600, unread) == budget_hint(600, None)
    assert "--fit-budget" in budget_hint(600, 61)
    assert "--fit-budget" not in budget_hint(60, 61)
    assert budget_hint(0, 61) == budget_hint(None, None) == ""


def test_a_budget_shortens_the_training_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """The prices are those of the bundled table: 0.28 USD an hour, so 0.42 at most; a transform is 0.14 of it."""
    account = Account(quotas=quotas(M4))
    refused = run_in(capsys, account, "train", "boston", "--max-usd", "0.20")
    assert refused.code == 3
    assert "A training of at most 771 s would fit: --fit-budget" in refused.envelope["errors"][0]["hint"]
    assert refused.data["plan"]["longest_seconds"] == 771
    assert account.things == {}
    fitted = run_in(capsys, account, "train", "boston", "--max-usd", "0.20", "--fit-budget")
    assert fitted.code == 0, fitted.err
    (job,) = made(account, "TrainingJob")
    assert job["StoppingCondition"]["MaxRuntimeInSeconds"] == 771
    assert fitted.data["estimate_usd"] <= 0.20
    # The last one took 60 s here, and 0.144 USD allow 51 s.
    shorter = run_in(capsys, account, "train", "boston", "--max-usd", "0.144", "--fit-budget", "--again")
    assert shorter.code == 3
    assert "the workflow's last training took 60 s" in shorter.envelope["errors"][0]["message"]
    assert len(made(account, "TrainingJob")) == 1
