"""``opskit predict`` before it asks an endpoint: which files it takes, and what it says of those it does not."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from opskit.cli import main


def predict_error(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    with pytest.raises(SystemExit) as ended:
        main(["predict", "boston", *words])
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "has no rows"),
        (b"\xff\xfe", "is UTF-16 text"),
        (b"CRIM,ZN\n1,2\n", "has a header, and no column INDUS, CHAS"),
        (b"1,2,3\n", "line 1 has 3 values, not 13"),
    ],
)
def test_a_file_that_is_no_use_is_said_to_be_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "houses.csv"
    if content is not None:
        file.write_bytes(content)
    code, err = predict_error(capsys, str(file))
    assert code == 2
    assert f"opskit: {file}" in err
    assert words in err


def test_rows_may_come_through_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1,2\n"))
    code, err = predict_error(capsys, "-")
    assert (code, "standard input, line 1 has 2 values" in err) == (2, True)
