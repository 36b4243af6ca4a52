"""`quotas check`: other instance types with headroom, where one has none."""

from __future__ import annotations

import pytest

from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.checked_quotas import TOTAL, known_quotas
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault
from tests.fakes.price_answers import priced_products
from tests.unit.quotas.conftest import Check


def gpu_quotas(**applied: float) -> list[Entry]:
    """An account that has some of the types like ml.p2.xlarge, which is gone."""
    others = {"g4dn.xlarge": 0.0, "g5.xlarge": 0.0, "p3.2xlarge": 0.0} | {
        name.replace("_", "."): value for name, value in applied.items()
    }
    plain = [
        entry
        for entry in known_quotas()
        if not any(f"ml.{instance_type} for training" in entry.name for instance_type in others)
    ]
    return plain + [
        Entry(
            name := f"ml.{instance_type} for training job usage",
            bundled_codes().get(name, f"L-{instance_type}"),
            value,
            0,
        )
        for instance_type, value in others.items()
    ]


def test_what_is_gone_leads_to_what_has_room(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = gpu_quotas(g4dn_xlarge=2, p3_2xlarge=1)
    for _ in ("from the listing", "from what is known"):
        (row,) = run_check("ml.p2.xlarge", "--for", "training").quotas
        found = [(each["instance_type"], each["free"]) for each in row["alternatives"]]
        assert found[0] == ("ml.g4dn.xlarge", 2)
        assert len(found) <= 3
        assert row["alternatives"][0]["usd_per_hour"] == 0.736
    told = run_check("ml.p2.xlarge", "--for", "training", form=None)
    assert "instead of ml.p2.xlarge for training: 2 x ml.g4dn.xlarge (0.736 USD an hour)" in told.out


def test_a_remembered_room_is_looked_at_again(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = gpu_quotas(g4dn_xlarge=2)
    run_check("ml.p2.xlarge", "--for", "training")
    fake_aws.quotas = gpu_quotas(g4dn_xlarge=0)
    (row,) = run_check("ml.p2.xlarge", "--for", "training").quotas
    assert "ml.g4dn.xlarge" not in [each["instance_type"] for each in row["alternatives"]]


def test_a_total_without_room_leaves_no_alternative(run_check: Check, fake_aws: FakeAws) -> None:
    total = Entry(TOTAL, "L-00C91CB5", 0, 0)
    fake_aws.quotas = [total, *(entry for entry in gpu_quotas(g4dn_xlarge=2) if entry.name != TOTAL)]
    assert run_check("ml.p2.xlarge", "--for", "training").quotas[0]["alternatives"] == []
    assert fake_aws.count("GetProducts") == 0


def test_where_all_fits_no_other_type_is_looked_at(run_check: Check, fake_aws: FakeAws) -> None:
    ran = run_check("ml.m4.xlarge")
    assert {len(row["alternatives"]) for row in ran.quotas} == {0}
    assert fake_aws.count("GetProducts") == 0
    assert fake_aws.count("ListServiceQuotas") + fake_aws.count("GetServiceQuota") == 8


def test_what_is_used_up_leads_on_too(run_check: Check, fake_aws: FakeAws) -> None:
    notebook = {
        "NotebookInstanceName": "n",
        "NotebookInstanceArn": "arn:a",
        "NotebookInstanceStatus": "InService",
        "InstanceType": "ml.t2.medium",
    }
    fake_aws.running["ListNotebookInstances"] = lambda _: {"NotebookInstances": [notebook]}
    fake_aws.running["DescribeNotebookInstance"] = lambda _: {**notebook, "VolumeSizeInGB": 5}
    name = "ml.t2.medium for notebook instance usage"
    fake_aws.quotas = [Entry(name, entry.code, 1, 0) if entry.name == name else entry for entry in known_quotas()]
    ran = run_check("ml.t2.medium", "--for", "notebook")
    row = ran.row(name)
    assert (ran.code, row["verdict"]) == (3, "short")
    assert row["alternatives"][0]["instance_type"] == "ml.t3.medium"
    assert row["alternatives"][0]["free"] == 3  # the total has 4, and one is taken


@pytest.mark.parametrize("fault", [BROKEN, CLOSED, GARBLED, DENIED, THROTTLED])
def test_a_price_that_cannot_be_read_is_taken_from_the_table_or_unknown(
    run_check: Check, fake_aws: FakeAws, fault: Fault
) -> None:
    fake_aws.quotas = gpu_quotas(g4dn_xlarge=2)
    fake_aws.fault = lambda called, _: fault if called == "GetProducts" else None
    (row,) = run_check("ml.p2.xlarge", "--for", "training", "--region", "eu-west-1").quotas
    assert row["alternatives"][0] == {
        "instance_type": "ml.g4dn.xlarge", "free": 2, "usd_per_hour": None, "price_source": None,
    }  # fmt: skip


def test_a_listed_price_is_asked_for_once_a_day_and_one_that_is_not_listed_every_time(
    run_check: Check, fake_aws: FakeAws
) -> None:
    fake_aws.quotas = gpu_quotas(g4dn_xlarge=2, p3_2xlarge=1)
    fake_aws.running["GetProducts"] = lambda asked: priced_products(asked, {"ml.g4dn.xlarge": "0.9"})
    asked = []
    for _ in range(2):
        fake_aws.forget_calls()
        (row,) = run_check("ml.p2.xlarge", "--for", "training").quotas
        prices = {each["instance_type"]: each["usd_per_hour"] for each in row["alternatives"]}
        asked.append((fake_aws.count("GetProducts"), prices["ml.g4dn.xlarge"]))
    first, second = asked
    assert (first[1], second[1]) == (0.9, 0.9)
    assert second[0] == first[0] - 1 > 0
