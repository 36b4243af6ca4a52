"""What opskit changed, read back from the shell."""

from __future__ import annotations

from tests.journeys.conftest import Shell


def test_what_was_asked_stands_in_the_history(fresh_shell: Shell) -> None:
    nothing = {"stops": 0, "saved_usd": 0, "uncounted": 0, "unconfirmed": 0}
    before = fresh_shell.opskit("history").data
    assert (before["history"], before["savings"], before["elsewhere"]) == ([], nothing, [])
    words = ("quotas", "increase", "ml.m4.xlarge", "--for", "training", "--to", "1", "--why", "the course", "--yes")
    [asked] = fresh_shell.opskit(*words).data["requests"]
    after = fresh_shell.opskit("history").data
    [entry] = after["history"]
    assert after["account"] == entry["account"]
    assert after["endpoint"].startswith("http://127.0.0.1:")
    assert (entry["action"], entry["outcome"], entry["detail"]) == ("request increase", "filed", asked["request_id"])
    assert (entry["because"], entry["region"]) == ("the course", "us-east-1")
    assert entry["caller"].startswith("arn:aws:")
    shown = fresh_shell.opskit("history", "--since", "1h", json_output=False)
    assert "ml.m4.xlarge for training job usage to 1" in shown.stdout


def test_a_span_that_is_none_is_said(fresh_shell: Shell) -> None:
    assert fresh_shell.opskit("history", "--since", "soon").exit == 2
    assert fresh_shell.opskit("history", "--since", "900000d").exit == 0
