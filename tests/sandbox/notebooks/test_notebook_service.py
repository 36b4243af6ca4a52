"""Notebook instances: real Jupyter servers, opened, worked in, stopped and found again as on AWS."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from opskit.sandbox.notebooks.jupyter import launch
from opskit.sandbox.server import Sandbox
from opskit.sandbox.state import SandboxState
from tests.prefork import SDK_MODULES, start_forkserver
from tests.sandbox.notebooks.notebook_session import (
    FIVE_HOURS,
    GROUP,
    ROLE,
    WEST,
    Visit,
    ago,
    bare_url,
    create,
    everything_processes_show,
    lines_with,
    presigned,
    sleeping_commands,
    status,
    type_into_terminal,
)
from tests.waiting import wait_until


class TestSeeds:
    def test_idle_has_a_kernel_that_rests_since_hours(self, east: Any) -> None:
        visit = Visit(east, "course-idle")
        (kernel,) = visit.look("kernels")
        assert kernel["execution_state"] == "idle"
        assert FIVE_HOURS <= ago(kernel["last_activity"]) < FIVE_HOURS + timedelta(hours=1)
        assert ago(visit.look("status")["last_activity"]) >= FIVE_HOURS
        (session,) = visit.look("sessions")
        assert session["kernel"]["id"] == kernel["id"]
        assert visit.look(f"contents/{session['path']}")["type"] == "notebook"

    def test_busy_computes_silently_since_hours(self, east: Any) -> None:
        (kernel,) = Visit(east, "course-busy").look("kernels")
        assert kernel["execution_state"] == "busy"
        assert ago(kernel["last_activity"]) >= FIVE_HOURS

    def test_terminal_is_open_without_a_kernel(self, east: Any) -> None:
        visit = Visit(east, "course-terminal")
        assert visit.look("kernels") == []
        (terminal,) = visit.look("terminals")
        assert ago(terminal["last_activity"]) >= FIVE_HOURS

    def test_stopped_has_no_door(self, east: Any) -> None:
        assert status(east, "course-stopped") == "Stopped"
        with pytest.raises(ClientError, match=r"Status \(Stopped\) not in \(\[InService\]\)"):
            presigned(east, "course-stopped")

    def test_seeded_notebooks_were_started_before_the_sandbox(self, east: Any) -> None:
        described = east.describe_notebook_instance(NotebookInstanceName="course-idle")
        assert datetime.now(UTC) - described["LastModifiedTime"] > FIVE_HOURS
        assert described["CreationTime"] < described["LastModifiedTime"]

    def test_their_log_is_as_old_as_their_work(
        self, classroom_sandbox: Sandbox, east: Any, account_of: Callable[..., Any]
    ) -> None:
        logs = account_of(classroom_sandbox).client("logs")
        (stream,) = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="course-kept/")["logStreams"]
        assert stream["logStreamName"] == "course-kept/jupyter.log"
        first = datetime.fromtimestamp(stream["firstEventTimestamp"] / 1000, UTC)  # the last may be of another test's
        assert datetime.now(UTC) - first >= FIVE_HOURS


class TestActivity:
    def test_a_look_that_asks_not_to_be_counted_is_not_counted(self, workbench: Any) -> None:
        visit = Visit(workbench, "workbench")
        before = visit.look("status")["last_activity"]
        for path in ("kernels", "sessions", "terminals"):
            visit.look(path)
        assert visit.look("status")["last_activity"] == before
        visit.get("kernels")
        assert visit.look("status")["last_activity"] > before


class TestOpening:
    def test_a_token_lets_in_once(self, workbench: Any) -> None:
        url = presigned(workbench, "workbench")
        first, second = requests.Session(), requests.Session()
        entered = first.get(url)
        assert [hop.status_code for hop in entered.history] == [302]
        assert "authToken" not in entered.url
        assert first.get(f"{bare_url(url)}/api/kernels").status_code == 200
        assert second.get(url).url.endswith("/login")
        assert second.get(f"{bare_url(url)}/api/kernels").status_code == 403

    @pytest.mark.parametrize("path", ["/tree", "/lab", "/lab/tree/analysis.ipynb"])
    def test_a_path_before_the_token_opens_too(self, workbench: Any, path: str) -> None:
        url = presigned(workbench, "workbench")
        session = requests.Session()
        session.get(url.replace("?", f"{path}?"))
        assert session.get(f"{bare_url(url)}/api/kernels").status_code == 200

    def test_appending_a_path_to_the_query_reaches_nothing(self, workbench: Any) -> None:
        url = presigned(workbench, "workbench")
        answer = requests.get(f"{url}/api/kernels")
        assert answer.headers["Content-Type"].startswith("text/html")

    @pytest.mark.parametrize("token", ["", "nonsense", "e30=.00", "caf\u00e9.\u00e9"])
    def test_a_wrong_token_does_not_let_in(self, workbench: Any, token: str) -> None:
        host = bare_url(presigned(workbench, "workbench"))
        session = requests.Session()
        assert session.get(host, params={"authToken": token}).url.endswith("/login")
        assert session.get(f"{host}/api/kernels").status_code == 403

    def test_a_token_of_another_notebook_does_not_let_in(self, east: Any, workbench: Any) -> None:
        token = presigned(east, "course-kept").partition("=")[2]
        host = bare_url(presigned(workbench, "workbench"))
        session = requests.Session()
        session.get(host, params={"authToken": token})
        assert session.get(f"{host}/api/kernels").status_code == 403

    def test_a_token_is_good_for_five_minutes(self, workbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for age, allowed in ((timedelta(minutes=4), 200), (timedelta(minutes=5, seconds=1), 403)):
            monkeypatch.setattr(SandboxState, "now", lambda _, age=age: datetime.now(UTC) - age)
            url = presigned(workbench, "workbench")
            session = requests.Session()
            session.get(url)
            assert session.get(f"{bare_url(url)}/api/kernels").status_code == allowed

    def test_nobody_enters_without_a_token(self, workbench: Any) -> None:
        host = bare_url(presigned(workbench, "workbench"))
        assert requests.get(f"{host}/api/kernels").status_code == 403
        assert requests.get(f"{host}/api/terminals").status_code == 403
        assert requests.get(f"{host}/tree").url.endswith("/login")

    def test_two_notebooks_fit_into_one_cookie_jar(self, east: Any, workbench: Any) -> None:
        session = requests.Session()
        urls = [presigned(east, "course-kept"), presigned(workbench, "workbench")]
        for url in urls:
            session.get(url)
        answers = [session.get(f"{bare_url(url)}/api/kernels?no_track_activity=1") for url in urls]
        assert [answer.status_code for answer in answers] == [200, 200]

    @pytest.mark.parametrize("seconds", [600, 1799, 43201])
    def test_a_session_is_half_an_hour_at_least_and_half_a_day_at_most(
        self, classroom_sandbox: Sandbox, east: Any, post_raw: Callable[..., Any], seconds: int
    ) -> None:
        asked = {"NotebookInstanceName": "course-idle", "SessionExpirationDurationInSeconds": seconds}
        answer = post_raw(
            classroom_sandbox.url, "SageMaker.CreatePresignedNotebookInstanceUrl", json.dumps(asked).encode()
        )
        assert (answer.status, answer.code) == (400, "ValidationException")

    def test_keys_are_in_no_log_and_no_process_list(
        self, classroom_sandbox: Sandbox, workbench: Any, account_of: Callable[..., Any]
    ) -> None:
        url = presigned(workbench, "workbench")
        token = url.partition("authToken=")[2]
        visit = Visit(workbench, "workbench")
        requests.get(url)
        logs = account_of(classroom_sandbox).client("logs", WEST)
        name = {"logGroupName": GROUP, "logStreamName": "workbench/jupyter.log"}
        lines = wait_until(lambda: lines_with(logs.get_log_events(**name, startFromHead=True)["events"], "authToken="))
        assert token not in lines
        assert not any(value in lines for value in visit.session.cookies.values())
        assert token not in everything_processes_show()


class TestLife:
    def test_stop_keeps_the_volume_and_start_finds_it(self, west: Any) -> None:
        create(west, "kept-files")
        visit = Visit(west, "kept-files")
        visit.send("PUT", "contents/thesis.txt", {"type": "file", "format": "text", "content": "chapter one"})
        visit.send("POST", "kernels")
        west.stop_notebook_instance(NotebookInstanceName="kept-files")
        assert status(west, "kept-files") == "Stopping"
        wait_until(lambda: status(west, "kept-files") == "Stopped")
        with pytest.raises(requests.ConnectionError):
            visit.look("kernels")
        west.start_notebook_instance(NotebookInstanceName="kept-files")
        wait_until(lambda: status(west, "kept-files") == "InService")
        again = Visit(west, "kept-files")
        assert again.look("contents/thesis.txt")["content"] == "chapter one"
        assert again.look("kernels") == []
        self.ends(west)

    def ends(self, west: Any) -> None:
        with pytest.raises(ClientError) as refused:
            west.delete_notebook_instance(NotebookInstanceName="kept-files")
        arn = f"arn:aws:sagemaker:{WEST}:123456789012:notebook-instance/kept-files"
        assert refused.value.response["Error"]["Message"] == (
            "Status (InService) not in ([Stopped, Failed]). Unable to transition to (Deleting) for Notebook "
            f"Instance ({arn})."
        )
        west.stop_notebook_instance(NotebookInstanceName="kept-files")
        wait_until(lambda: status(west, "kept-files") == "Stopped")
        west.delete_notebook_instance(NotebookInstanceName="kept-files")
        assert status(west, "kept-files") == "Deleting"
        with pytest.raises(ClientError, match="RecordNotFound"):
            wait_until(lambda: status(west, "kept-files") == "gone")

    def test_a_command_left_behind_in_a_terminal_ends_with_the_notebook(self, west: Any) -> None:
        create(west, "terminals")
        before = sleeping_commands()
        visit = Visit(west, "terminals")
        name = visit.send("POST", "terminals")["name"]
        asyncio.run(type_into_terminal(visit, name, "nohup sleep 86399 >/dev/null 2>&1 &\n"))
        started = wait_until(lambda: sleeping_commands() - before)
        west.stop_notebook_instance(NotebookInstanceName="terminals")
        wait_until(lambda: status(west, "terminals") == "Stopped")
        assert not sleeping_commands() & started

    def test_a_stopped_one_is_changed(self, east: Any) -> None:
        name = {"NotebookInstanceName": "course-stopped"}
        east.update_notebook_instance(**name, InstanceType="ml.t3.medium", VolumeSizeInGB=20)
        assert status(east, "course-stopped") == "Updating"
        wait_until(lambda: status(east, "course-stopped") == "Stopped")
        described = east.describe_notebook_instance(**name)
        assert (described["InstanceType"], described["VolumeSizeInGB"]) == ("ml.t3.medium", 20)
        with pytest.raises(ClientError, match="larger"):
            east.update_notebook_instance(**name, VolumeSizeInGB=10)
        with pytest.raises(ClientError, match=r"Status \(InService\) not in \(\[Stopped, Failed\]\)"):
            east.update_notebook_instance(NotebookInstanceName="course-busy", VolumeSizeInGB=10)

    @pytest.mark.parametrize(
        ("operation", "name", "text"),
        [
            ("start", "course-busy", "Status (InService) not in ([Stopped, Failed])"),
            ("stop", "course-stopped", "Status (Stopped) not in ([InService])"),
            ("stop", "nobody", "RecordNotFound"),
            ("start", "nobody", "RecordNotFound"),
            ("delete", "nobody", "RecordNotFound"),
            ("update", "nobody", "RecordNotFound"),
            ("describe", "nobody", "RecordNotFound"),
        ],
    )
    def test_wrong_states_and_names_get_awss_words(self, east: Any, operation: str, name: str, text: str) -> None:
        with pytest.raises(ClientError) as refused:
            getattr(east, f"{operation}_notebook_instance")(NotebookInstanceName=name)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        assert refused.value.response["Error"]["Message"].startswith(text)

    def test_what_was_asked_for_is_described(self, workbench: Any) -> None:
        described = workbench.describe_notebook_instance(NotebookInstanceName="workbench")
        assert described["VolumeSizeInGB"] == 10
        assert described["RoleArn"] == ROLE
        assert described["DirectInternetAccess"] == "Enabled"
        assert "FailureReason" not in described

    def test_tags_come_with_it_and_change_later(self, workbench: Any, east: Any) -> None:
        arn = {"ResourceArn": f"arn:aws:sagemaker:{WEST}:123456789012:notebook-instance/workbench"}
        assert workbench.list_tags(**arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
        workbench.add_tags(**arn, Tags=[{"Key": "opskit:idle-since", "Value": "2026-01-01T00:00:00Z"}])
        workbench.delete_tags(**arn, TagKeys=["team"])
        assert [tag["Key"] for tag in workbench.list_tags(**arn)["Tags"]] == ["opskit:idle-since"]
        kept = east.describe_notebook_instance(NotebookInstanceName="course-kept")["NotebookInstanceArn"]
        assert [tag["Key"] for tag in east.list_tags(ResourceArn=kept)["Tags"]] == ["opskit:keep"]

    def test_a_name_is_used_once(self, workbench: Any) -> None:
        with pytest.raises(ClientError, match="Cannot create a duplicate Notebook Instance"):
            create(workbench, "workbench")

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            ({"InstanceType": "m1.m4.xlarge"}, "Member must satisfy enum value set"),
            ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
            ({"VolumeSizeInGB": 16385}, "less than or equal to 16384"),
            ({"LifecycleConfigName": "none-such"}, "none-such"),
            ({"DirectInternetAccess": "Disabled"}, "SubnetId"),
        ],
    )
    def test_bad_input_is_refused(self, west: Any, wrong: dict[str, Any], text: str) -> None:
        asked = {"NotebookInstanceName": "bad", "InstanceType": "ml.t2.medium", "RoleArn": ROLE} | wrong
        with pytest.raises(ClientError) as refused:
            west.create_notebook_instance(**asked)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        assert text in refused.value.response["Error"]["Message"]

    def test_without_jupyter_it_fails_and_says_how_to_get_it(self, west: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(launch, "find_spec", lambda name: None if name == "ipykernel" else find_spec(name))
        west.create_notebook_instance(NotebookInstanceName="bare", InstanceType="ml.t2.medium", RoleArn=ROLE)
        wait_until(lambda: status(west, "bare") == "Failed")
        reason = west.describe_notebook_instance(NotebookInstanceName="bare")["FailureReason"]
        assert "pip install '.[sandbox]'" in reason


class TestLists:
    def names(self, client: Any, **asked: Any) -> list[str]:
        return [row["NotebookInstanceName"] for row in client.list_notebook_instances(**asked)["NotebookInstances"]]

    def test_by_name_unless_asked_otherwise(self, east: Any) -> None:
        names = ["course-busy", "course-idle", "course-kept", "course-stopped", "course-terminal"]
        assert self.names(east) == names
        assert self.names(east, SortOrder="Descending") == names[::-1]
        assert self.names(east, SortBy="Status")[-1] == "course-stopped"

    def test_filters(self, east: Any) -> None:
        assert self.names(east, NameContains="kept") == ["course-kept"]
        assert self.names(east, StatusEquals="Stopped") == ["course-stopped"]
        assert self.names(east, CreationTimeAfter=datetime.now(UTC)) == []
        assert len(self.names(east, CreationTimeBefore=datetime.now(UTC))) == 5
        assert self.names(east, DefaultCodeRepositoryContains="github") == []

    def test_pages(self, east: Any) -> None:
        pages = list(east.get_paginator("list_notebook_instances").paginate(PaginationConfig={"PageSize": 2}))
        assert [len(page["NotebookInstances"]) for page in pages] == [2, 2, 1]
        with pytest.raises(ClientError, match="ValidationException"):
            east.list_notebook_instances(NextToken="forged")

    def test_a_time_that_is_none_is_refused(self, classroom_sandbox: Sandbox, post_raw: Callable[..., Any]) -> None:
        answer = post_raw(
            classroom_sandbox.url, "SageMaker.ListNotebookInstances", b'{"CreationTimeAfter": "yesterday"}'
        )
        assert answer.status == 400


class TestOtherClients:
    def test_the_aws_cli_lists_notebook_instances(self, classroom_sandbox: Sandbox, east: Any, aws_cli: Any) -> None:
        words = ("sagemaker", "list-notebook-instances", "--name-contains", "busy")
        _, said, _ = aws_cli(classroom_sandbox.isolated_environment(os.environ), *words)
        (row,) = json.loads(said)["NotebookInstances"]
        assert (row["NotebookInstanceName"], row["NotebookInstanceStatus"]) == ("course-busy", "InService")

    def test_the_sagemaker_sdk_reads_a_notebook_instance(
        self, classroom_sandbox: Sandbox, east: Any, tmp_path: Path
    ) -> None:
        script = tmp_path / "look.py"
        script.write_text(
            "from sagemaker.core.resources import NotebookInstance\n"
            "notebook = NotebookInstance.get('course-busy', region='us-east-1')\n"
            "print(notebook.notebook_instance_status, notebook.instance_type)"
        )
        environment = classroom_sandbox.isolated_environment(os.environ)
        code, said, complained = start_forkserver(*SDK_MODULES).run([str(script)], tmp_path, environment)
        assert code == 0, complained
        assert said.split()[-2:] == ["InService", "ml.t2.medium"]
