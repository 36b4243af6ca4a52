"""A file of rows is checked before it is sent, sent in batches, and written with the predictions beside its rows."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path
from typing import Any

import pytest

from opskit.training.workflow import find_workflow
from tests.fakes.account import Account, in_memory
from tests.fakes.cli_runner import CliResult, run_opskit

FEATURES = 13
ROW = ",".join(str(at) for at in range(1, FEATURES + 1))


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


class CountingAccount(Account):
    """An account that notes what its endpoint is asked."""

    bodies: list[bytes]

    def invoke_endpoint(self, params: dict[str, Any]) -> dict[str, Any]:
        self.bodies.append(params["Body"])
        return super().invoke_endpoint(params)


def deployed_account() -> CountingAccount:
    account = CountingAccount()
    account.bodies = []
    tags = [{"Key": "opskit:workflow", "Value": "boston"}]
    account.put("Endpoint", "boston-61cfa3bc59-1", "InService", EndpointConfigName="c", Tags=tags)
    return account


def predict(capsys: pytest.CaptureFixture[str], account: Account, *words: str) -> CliResult:
    with in_memory(account):
        return run_opskit(capsys, "predict", "boston", *words, "--no-owner", "-o", "json")


def read_csv(name: str) -> list[list[str]]:
    with Path(name).open(newline="") as file:
        return list(csv.reader(file))


def test_a_large_file_goes_in_batches_and_comes_back_row_by_row(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{at}{ROW[1:]}" for at in range(1234)]
    Path("houses.csv").write_text("\n".join([*rows, ""]))
    account = deployed_account()
    ended = predict(capsys, account, "houses.csv", "--out", "done.csv")
    assert ended.code == 0, ended.err
    assert [len(body.splitlines()) for body in account.bodies] == [500, 500, 234]
    header, *written = read_csv("done.csv")
    assert header[-1] == "prediction"
    assert len(header) == FEATURES + 1
    assert [row[:-1] for row in written] == [row.split(",") for row in rows]
    assert [float(row[-1]) for row in written] == list(range(1234))
    assert (ended.data["rows"], Path(ended.data["out"]).name) == (1234, "done.csv")
    assert [path.name for path in Path.cwd().iterdir() if "done" in path.name] == ["done.csv"]


def test_wide_rows_make_smaller_batches(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.training.flows.predict_file.BATCH_BYTES", 100)
    Path("houses.csv").write_text(f"{ROW}\n" * 5)
    account = deployed_account()
    assert predict(capsys, account, "houses.csv").code == 0
    assert max(map(len, account.bodies)) <= 100
    assert sum(len(body.splitlines()) for body in account.bodies) == 5


def test_a_header_and_further_columns_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    names = find_workflow("boston")
    assert names.target == "MEDV"
    header = "id,CRIM,ZN,INDUS,CHAS,NOX,RM,AGE,DIS,RAD,TAX,PTRATIO,B,LSTAT,prediction"
    Path("houses.csv").write_text(f'{header}\n"a, b",{ROW},old\n')
    ended = predict(capsys, deployed_account(), "houses.csv", "--out", "done.csv")
    assert ended.code == 0, ended.err
    first, row = read_csv("done.csv")
    assert first == [*header.split(","), "prediction_opskit"]
    assert (row[0], row[-2], row[-1]) == ("a, b", "old", "1.0")


def test_a_compressed_file_is_called_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Path("houses.csv").write_bytes(gzip.compress(f"{ROW}\n".encode()))
    account = deployed_account()
    ended = predict(capsys, account, "houses.csv")
    assert (ended.code, account.bodies) == (2, [])
    assert "houses.csv is compressed with gzip" in ended.envelope["errors"][0]["message"]


def test_a_bad_row_at_the_end_is_found_before_the_first_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    Path("houses.csv").write_text(f"{ROW}\n" * 1200 + "1,2\n")
    account = deployed_account()
    ended = predict(capsys, account, "houses.csv", "--out", "done.csv")
    assert ended.code == 2
    assert "line 1201 has 2 values" in ended.envelope["errors"][0]["message"]
    assert account.bodies == []
    assert not Path("done.csv").exists()


def test_an_answer_that_fails_on_the_way_leaves_no_half_file(capsys: pytest.CaptureFixture[str]) -> None:
    class FailingAccount(CountingAccount):
        def invoke_endpoint(self, params: dict[str, Any]) -> dict[str, Any]:
            self.bodies.append(params["Body"])
            return {"Body": io.BytesIO(b"1,2,3")}

    account = FailingAccount(things=deployed_account().things)
    account.bodies = []
    Path("houses.csv").write_text(f"{ROW}\n" * 600)
    Path("done.csv").write_text("from before\n")
    ended = predict(capsys, account, "houses.csv", "--out", "done.csv")
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (4, "bad-predictions")
    assert Path("done.csv").read_text() == "from before\n"
    assert sorted(path.name for path in Path.cwd().iterdir() if path.suffix != "") == ["done.csv", "houses.csv"]


def test_rows_from_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"7{ROW[1:]}\n"))
    ended = predict(capsys, deployed_account(), "-")
    assert ended.data["predictions"] == [7.0]


@pytest.mark.parametrize("words", [("--out", "done.csv"), ("houses.csv", "--out", "houses.csv")])
def test_flags_that_would_lose_something(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    Path("houses.csv").write_text(f"{ROW}\n")
    ended = predict(capsys, deployed_account(), *words)
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (2, "bad-flags")
    assert Path("houses.csv").read_text() == f"{ROW}\n"
