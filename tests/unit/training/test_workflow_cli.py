"""``opskit workflow``: a stranger's own data become a workflow, and what stands in its way is told before training."""

from __future__ import annotations

import gzip
import hashlib
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from opskit.training.rules.workflow_schema import workflow_schema
from tests.fakes.cli_runner import CliResult, run_opskit

HEADER = "id,area,garden,price"
ROWS = [f"{at},{at * 7 % 11},{at % 3 == 0},{at * 3 % 17}" for at in range(40)]


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def write_houses(*rows: str, header: str = HEADER) -> bytes:
    content = "\n".join([header, *(rows or ROWS), ""]).encode()
    Path("houses.csv").write_bytes(content)
    return content


def init(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "workflow", "init", *words, "-o", "json")


def test_a_workflow_from_a_table_is_ready_to_train(capsys: pytest.CaptureFixture[str]) -> None:
    content = write_houses()
    ended = init(capsys, "houses", "--data", "houses.csv", "--target", "price")
    assert ended.code == 0, ended.err
    text = Path("houses/workflow.toml").read_text()
    table = tomllib.loads(text)
    jsonschema.Draft202012Validator(workflow_schema()).validate(table)
    assert len(text.splitlines()) < 60
    assert table["data"] == {
        "file": "data/houses.csv",
        "sha256": hashlib.sha256(content).hexdigest(),
        "target": "price",
        "ignore": ["id"],
    }
    assert Path("houses/data/houses.csv").read_bytes() == content
    assert "Not for" in Path("houses/MODEL_CARD.md").read_text()
    assert ended.data["findings"] == []
    assert {column["name"]: column["type"] for column in ended.data["columns"]} == {
        "area": "number",
        "garden": "boolean",
        "price": "number",
    }
    checked = run_opskit(capsys, "workflow", "check", "./houses", "-o", "json")
    assert checked.code == 0
    assert checked.data["notes"] == ["True and False are taken as 1 and 0 in garden."]
    assert init(capsys, "houses", "--data", "houses.csv", "--target", "price").code == 2  # never over another


def test_columns_from_which_nothing_can_be_learnt_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A row number in whatever order, and what a comma at the end of each line makes: columns without values."""
    write_houses(*(f"{at * 7 % 40},{row.partition(',')[2]}," for at, row in enumerate(ROWS)), header=f"{HEADER},")
    ended = init(capsys, "houses", "--data", "houses.csv", "--target", "price")
    assert (ended.code, ended.data["findings"]) == (0, [])
    assert tomllib.loads(Path("houses/workflow.toml").read_text())["data"]["ignore"] == ["id", "Unnamed: 4"]


@pytest.mark.parametrize(
    ("labels", "task", "objective"),
    [
        (("yes", "no"), "binary", "binary:logistic"),
        (("True", "False"), "binary", "binary:logistic"),
        (("a", "b", "c"), "multiclass", "multi:softprob"),
        (("1.5", "2.5", "7"), "regression", "reg:squarederror"),
    ],
)
def test_the_target_says_the_task(
    capsys: pytest.CaptureFixture[str], labels: tuple[str, ...], task: str, objective: str
) -> None:
    write_houses(*(f"{at * 5 % 7},{labels[at % len(labels)]}" for at in range(60)), header="a,y")
    ended = init(capsys, "./mine", "--data", "houses.csv", "--target", "y")
    assert (ended.code, ended.data["task"], ended.data["findings"]) == (0, task, [])
    table = tomllib.loads(Path("mine/workflow.toml").read_text())
    assert table["hyperparameters"]["objective"] == objective
    assert table["hyperparameters"].get("num_class") == (3 if task == "multiclass" else None)


def test_one_bad_cell_among_numbers_makes_no_classes(capsys: pytest.CaptureFixture[str]) -> None:
    write_houses(*ROWS[:-1], "39,1,True,n/s", header=f"Our houses\n{HEADER}")
    ended = init(capsys, "houses", "--data", "houses.csv", "--target", "price", "--skip-lines", "1")
    assert (ended.code, ended.data["task"]) == (0, "regression")
    assert [(each["column"], each["line"], each["value"]) for each in ended.data["findings"]] == [("price", 42, "n/s")]
    assert tomllib.loads(Path("houses/workflow.toml").read_text())["data"]["skip_lines"] == 1


def test_what_stands_in_the_way_is_told_with_the_files_written(capsys: pytest.CaptureFixture[str]) -> None:
    write_houses(*ROWS[:-1], "39,big,True,4")
    ended = init(capsys, "houses", "--data", "houses.csv", "--target", "price", "--task", "regression")
    assert ended.code == 0
    assert [(each["column"], each["line"], each["value"]) for each in ended.data["findings"]] == [("area", 41, "big")]
    checked = run_opskit(capsys, "workflow", "check", "./houses", "-o", "json")
    assert checked.code == 2
    assert checked.envelope["errors"][0]["code"] == "data-not-numeric"


def test_a_meant_change_of_the_data_is_written_down(capsys: pytest.CaptureFixture[str]) -> None:
    write_houses()
    init(capsys, "houses", "--data", "houses.csv", "--target", "price")
    with Path("houses/data/houses.csv").open("a") as file:
        file.write("40,3,False,5\n")
    assert (
        run_opskit(capsys, "workflow", "check", "./houses", "-o", "json")
        .envelope["errors"][0]["hint"]
        .endswith("opskit workflow check ./houses --update")
    )
    updated = run_opskit(capsys, "workflow", "check", "./houses", "--update", "-o", "json")
    assert (updated.code, updated.data["updated"], updated.data["rows"]) == (0, True, 41)
    assert run_opskit(capsys, "workflow", "check", "./houses", "-o", "json").code == 0
    assert "The plan also looks up image.version" in run_opskit(capsys, "workflow", "check", "./houses").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("new", "--data", "none.csv", "--target", "price"), "data-unreadable"),
        (("new", "--data", "houses.csv", "--target", "rent"), "target-missing"),
        (("new", "--data", "houses.csv", "--target", "price", "--task", "guess"), "bad-task"),
        (("new", "--data", "houses.csv", "--target", "price", "--name", "My Name"), "workflow-malformed"),
        (("houses.csv", "--data", "houses.csv", "--target", "price"), "files-not-written"),
        (("new", "--data", "houses.csv", "--target", "price", "--ignore", "price"), "target-ignored"),
        (("new", "--data", "houses.csv.gz", "--target", "price"), "data-not-csv"),
        (("new", "--data", "german.csv", "--target", "price"), "target-missing"),
        (("new", "--data", "latin.csv", "--target", "price"), "data-not-utf8"),
        (("new", "--data", "bare.csv", "--target", "price"), "data-no-header"),
        (("new", "--data", "empty.csv", "--target", "price"), "data-too-small"),
    ],
)
def test_what_cannot_be_made_is_said_and_leaves_no_workflow(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str
) -> None:
    content = write_houses()
    Path("houses.csv.gz").write_bytes(gzip.compress(content))
    Path("german.csv").write_bytes(content.replace(b",", b";"))
    Path("latin.csv").write_bytes(content + "1,é\n".encode("latin-1"))
    Path("bare.csv").write_text("\n".join(ROWS).replace("True", "1").replace("False", "0"))
    Path("empty.csv").touch()
    ended = init(capsys, *words)
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (2, code)
    if code.startswith(("data-", "target-missing")):  # the file as it was named, since no other is there
        assert ended.envelope["errors"][0]["message"].replace("The data file ", "").startswith(words[2])
        assert "codec" not in ended.envelope["errors"][0]["message"]
    assert not list(Path.cwd().glob("*/workflow.toml"))


def test_the_shipped_ones_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    listed = run_opskit(capsys, "workflow", "list", "-o", "json").data["workflows"]
    tasks = {each["name"]: each["task"] for each in listed}
    assert (tasks["boston"], tasks["breast-cancer"], tasks["wine"]) == ("regression", "binary", "multiclass")
    shown = run_opskit(capsys, "workflow", "show", "wine", "-o", "json").data["workflow"]
    assert shown["hyperparameters"]["num_class"] == "3"
    assert shown["training"]["max_run_seconds"] == 3600
    table = run_opskit(capsys, "workflow", "show", "boston")
    assert "training.instance_type" in table.out
    assert json.dumps(shown)
