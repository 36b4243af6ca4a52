"""One person's way through a notebook instance: created, opened, worked in."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from opskit.sandbox.scenarios import ROLE_NAME
from tests.waiting import wait_until

ROLE = f"arn:aws:iam::123456789012:role/service-role/{ROLE_NAME}"


FIVE_HOURS = timedelta(hours=5)


WEST = "us-west-2"


GROUP = "/aws/sagemaker/NotebookInstances"


def status(client: Any, name: str) -> str:
    return str(client.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"])


def create(client: Any, name: str, **more: Any) -> str:
    """A notebook in service, and its ARN."""
    arn = client.create_notebook_instance(NotebookInstanceName=name, InstanceType="ml.t2.medium", RoleArn=ROLE, **more)[
        "NotebookInstanceArn"
    ]
    wait_until(lambda: status(client, name) == "InService")
    return str(arn)


def presigned(client: Any, name: str) -> str:
    return str(client.create_presigned_notebook_instance_url(NotebookInstanceName=name)["AuthorizedUrl"])


class Visit:
    """One person's cookie session with one notebook, entered as AWS's presigned URLs are."""

    def __init__(self, client: Any, name: str) -> None:
        url = presigned(client, name)
        self.host = url.partition("?")[0]
        self.session = requests.Session()
        self.session.trust_env = False
        self.entered = self.session.get(url)

    def get(self, path: str, **query: str) -> Any:
        answer = self.session.get(f"{self.host}/api/{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    def look(self, path: str) -> Any:
        """Read without being counted as activity."""
        return self.get(path, no_track_activity="1")

    def send(self, method: str, path: str, body: Any = None) -> Any:
        xsrf = {"X-XSRFToken": self.session.cookies["_xsrf"]}
        answer = self.session.request(method, f"{self.host}/api/{path}", json=body, headers=xsrf)
        answer.raise_for_status()
        return answer.json()

    def run(self, kernel: str, code: str) -> None:
        """Run a cell in a kernel through its websocket, as a browser does, and wait for its end."""
        asyncio.run(self._run(kernel, code))

    async def _run(self, kernel: str, code: str) -> None:
        cookie = "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())
        url = f"{self.host.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        socket = await websocket_connect(HTTPRequest(url, headers={"Cookie": cookie}))
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        header = {"msg_id": "m1", "msg_type": "execute_request", "session": "s1", "username": "", "version": "5.3"}
        request = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await socket.write_message(json.dumps(request))
        while not _ends(json.loads(str(await socket.read_message()))):
            continue
        socket.close()


def _ends(message: dict[str, Any]) -> bool:
    return bool(
        message["parent_header"].get("msg_id") == "m1"
        and message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
    )


def ago(stamp: str) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(stamp)


def bare_url(url: str) -> str:
    return url.partition("?")[0]


def lines_with(events: list[dict[str, Any]], text: str) -> str:
    """All lines, or nothing as long as none of them has the text."""
    lines = "\n".join(event["message"] for event in events)
    return lines if text in lines else ""


def everything_processes_show() -> str:
    shown = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            shown.append(f"{process.cmdline()} {process.environ()}")
    return "\n".join(shown)


def sleeping_commands() -> set[int]:
    return {
        process.pid for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "86399"]
    }


async def type_into_terminal(visit: Visit, terminal: str, text: str) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in visit.session.cookies.items())
    url = f"{visit.host.replace('http', 'ws', 1)}/terminals/websocket/{terminal}"
    socket = await websocket_connect(HTTPRequest(url, headers={"Cookie": cookie}))
    await socket.write_message(json.dumps(["stdin", text]))
    while "nohup" not in str(await socket.read_message()):
        continue
    socket.close()
