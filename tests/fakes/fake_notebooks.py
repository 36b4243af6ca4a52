"""Notebooks for the small AWS: what SageMaker says of them, and what is in them, with faults. They are no sandbox;
their Jupyters are in ``fake_jupyter``.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.fake_aws import CLOSED, Fault

DAY = timedelta(days=1)
SLOW_DOWN = Fault(400, "ThrottlingException", "Rate exceeded")
"""How SageMaker itself throttles."""
WHOLE_LOOK = frozenset({"DescribeNotebookInstance", "ListTags", "kernels", "terminals", "sessions", "status"})
"""All that there is to ask about one notebook."""


@dataclass
class FakeNotebook:
    """One notebook instance with its Jupyter. Times are Jupyter's own; ``ahead`` is how far its clock is wrong;
    without ``has_clock`` its responses do not tell what it shows.

    ``asked`` is what was asked about it since a stop of it was last tried, ``disturbed`` when somebody began to work in
    it or kept it (of ``time.monotonic``), while opskit was there. ``job`` is the CPU time in seconds that a job beside
    Jupyter uses between two readings; None: there is none. ``has_terminals`` False: they are switched off. ``typed`` is
    what was typed into its terminals, ``traffic`` what the server notes of traffic in them, ``saved`` when a file was
    last changed. ``numbers_terminals``: it gives terminals numbers, whatever is asked for, as the classic one does;
    ``times_terminals`` False: it is so old that it does not say when there was traffic in one.
    """

    name: str
    status: str = "InService"
    since: datetime = field(default_factory=lambda: datetime.now(UTC) - 2 * DAY)
    used: datetime = field(default_factory=lambda: datetime.now(UTC) - DAY)
    kernels: list[dict[str, Any]] = field(default_factory=list)
    terminals: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    instance_type: str = "ml.t2.medium"
    ahead: timedelta = timedelta(0)
    has_clock: bool = True
    fault: Callable[[str], Fault | None] = lambda what: None
    stops: int = 0
    asked: set[str] = field(default_factory=set)
    disturbed: float | None = None
    job: float | None = None
    has_terminals: bool = False
    lifecycle_config: str | None = None
    typed: list[str] = field(default_factory=list)
    traffic: datetime | None = None
    saved: datetime | None = None
    numbers_terminals: bool = False
    times_terminals: bool = True
    made: set[str] = field(default_factory=set)
    written: dict[str, tuple[datetime, bool]] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/{self.name}"

    def wire(self) -> dict[str, Any]:
        """The notebook as SageMaker writes it."""
        return {
            "NotebookInstanceName": self.name,
            "NotebookInstanceArn": self.arn,
            "NotebookInstanceStatus": self.status,
            "InstanceType": self.instance_type,
            "NotebookInstanceLifecycleConfigName": self.lifecycle_config,
            "CreationTime": self.since.timestamp(),
            "LastModifiedTime": self.since.timestamp(),
        }

    def kernel(self, state: str, active: timedelta, connections: int = 0) -> FakeNotebook:
        """The notebook with one more kernel, active so long ago."""
        known = {"id": f"{self.name}-{len(self.kernels)}", "name": "python3", "execution_state": state}
        self.kernels.append({**known, "last_activity": self.ago(active), "connections": connections})
        return self

    def terminal(self, active: timedelta | None) -> FakeNotebook:
        """The notebook with one more terminal, with traffic so long ago; None: its Jupyter is so old that it does not
        say when.
        """
        known = {"name": str(len(self.terminals) + 1)}
        self.terminals.append(known if active is None else {**known, "last_activity": self.ago(active)})
        return self

    def start_work(self) -> None:
        """Somebody begins to work in it."""
        self.kernel("busy", timedelta(0))
        self.disturbed = self.disturbed or time.monotonic()

    def add_keep_tags(self) -> None:
        """Somebody keeps it."""
        self.tags = {**self.tags, "opskit:keep": "I am working in it"}
        self.disturbed = self.disturbed or time.monotonic()

    def save_file(self) -> None:
        """Somebody saves a file through Jupyter."""
        self.used = self.saved = datetime.now(UTC)

    def make_terminal(self, asked_for: str) -> dict[str, Any]:
        """A new terminal, and what is said of it. Unlike somebody's traffic, making one is no use of the server."""
        free = (str(at) for at in range(1, 100) if str(at) not in {each["name"] for each in self.terminals})
        known: dict[str, Any] = {"name": next(free) if self.numbers_terminals else asked_for}
        self.made.add(known["name"])
        self.written.pop(known["name"], None)
        self.terminals.append(known | ({"last_activity": self.ago(timedelta(0))} if self.times_terminals else {}))
        return self.terminals[-1]

    def close_terminal(self, name: str) -> None:
        """It is gone."""
        self.terminals = [each for each in self.terminals if each["name"] != name]

    def move_traffic(self, name: str) -> None:
        """Traffic in a terminal, which Jupyter notes for the server first."""
        self.traffic = datetime.now(UTC) + self.ahead
        for each in self.terminals:
            if each["name"] == name and self.times_terminals:
                each["last_activity"] = self.ago(timedelta(0))

    def ago(self, duration: timedelta) -> str:
        """A time as Jupyter writes it, by its own clock."""
        return (datetime.now(UTC) + self.ahead - duration).isoformat().replace("+00:00", "Z")

    def last_activity(self) -> str:
        """When anything was last done, by its own clock: the last use of its pages, or whatever is younger."""
        people = [each for each in self.terminals if each["name"] not in self.made]
        told = [each.get("last_activity") for each in (*self.kernels, *people)]
        times = [datetime.fromisoformat(text) for text in told if text and "T" in text]
        times += [] if self.traffic is None else [self.traffic]
        return max([self.used + self.ahead, *times]).isoformat().replace("+00:00", "Z")

    def answer_to(self, what: str) -> Any:
        """Jupyter's answer to a question; None where it has none."""
        sessions = [
            {"id": f"s-{each['id']}", "path": f"{self.name}.ipynb", "type": "notebook", "kernel": each}
            for each in self.kernels
        ]
        status = {"last_activity": self.last_activity(), "kernels": len(self.kernels), "connections": 0}
        answers = {"kernels": self.kernels, "terminals": self.terminals, "sessions": sessions, "status": status}
        return answers.get(what, "a page" if what == "tree" else None)


@dataclass
class Untidiness:
    """An account in which something happens all the time, by chance. Shares of 1: of the stops that AWS throttles, that
    it takes and whose answer is lost, and that are lost on the way; and, of whatever is asked about a notebook, of the
    times that somebody begins to work in it, or keeps it, right after the answer. ``rate`` is how many stops AWS takes
    in a second, and at once.
    """

    chance: random.Random
    throttles: float = 0.0
    forgets: float = 0.0
    loses: float = 0.0
    wakes: float = 0.0
    keeps: float = 0.0
    rate: tuple[float, float] | None = None
    _left: float = 0.0
    _since: float = 0.0

    def stirs(self, lab: FakeNotebook) -> None:
        """Perhaps somebody comes."""
        if self.chance.random() < self.wakes:
            lab.start_work()
        if self.chance.random() < self.keeps:
            lab.add_keep_tags()

    def is_throttled(self, lab: FakeNotebook) -> bool:
        """Whether AWS takes no stop of this notebook now."""
        if self.rate is not None:
            now, (per_second, burst) = time.monotonic(), self.rate
            self._left = min(burst, self._left + (now - self._since) * per_second) if self._since else burst
            self._since = now
            if self._left < 1:
                return True
            self._left -= 1
        return self.chance.random() < self.throttles


@dataclass(frozen=True)
class StopTaken:
    """A stop that AWS took: of which notebook, what was not asked about it since a stop of it was last tried, and for
    how many seconds somebody had been at work in it or had kept it; None: nobody.
    """

    name: str
    not_asked: frozenset[str]
    too_late_seconds: float | None


@dataclass
class FakeNotebooks:
    """All notebooks of the account. ``calls`` counts what Jupyters were asked, ``seconds`` is what each answer takes.
    ``inside_seconds`` is what a command in a terminal takes. ``then`` is what happens right after each thing that is
    asked of a notebook, or that is done in it.
    ``log`` is when a notebook's Jupyter last wrote a line, for those that have a log. ``taken`` are the stops that were
    taken, in order, ``throttled`` counts those that were not.
    """

    labs: dict[str, FakeNotebook]
    seconds: float = 0.0
    inside_seconds: Callable[[], float] = lambda: 0.0
    log: dict[str, datetime] = field(default_factory=dict)
    counted: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    untidy: Untidiness | None = None
    then: Callable[[FakeNotebook, str], None] = lambda lab, what: None
    taken: list[StopTaken] = field(default_factory=list)
    throttled: int = 0
    most_at_once: int = 0
    most_connections: Callable[[], int] = lambda: 0
    url: str = ""
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, *labs: FakeNotebook) -> FakeNotebooks:
        """These notebooks."""
        return cls({lab.name: lab for lab in labs})

    def operations(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any] | Fault]]:
        """What the small AWS answers with."""
        return {
            "ListNotebookInstances": self._list,
            "DescribeNotebookInstance": lambda asked: self._about("DescribeNotebookInstance", asked, FakeNotebook.wire),
            "ListTags": lambda asked: self._about("ListTags", asked, _reported_tags),
            "GetResources": self._list_tags,
            "AddTags": lambda asked: self._with(asked, lambda lab: _add_tags(lab, asked)),
            "DeleteTags": lambda asked: self._with(asked, lambda lab: _delete_tags(lab, asked)),
            "CreatePresignedNotebookInstanceUrl": lambda asked: self._with(asked, self._presigned),
            "StartNotebookInstance": lambda asked: self._with(asked, _start),
            "StopNotebookInstance": lambda asked: self._with(asked, self._stop),
            "GetLogEvents": self._log_events,
        }

    def _with(
        self, asked: Mapping[str, Any], answer: Callable[[FakeNotebook], dict[str, Any] | Fault]
    ) -> dict[str, Any] | Fault:
        name = asked.get("NotebookInstanceName") or str(asked.get("ResourceArn")).rpartition("/")[2]
        with self._lock:
            return answer(self.labs[name]) if name in self.labs else Fault(400, "ValidationException", "RecordNotFound")

    def _about(
        self, what: str, asked: Mapping[str, Any], answer: Callable[[FakeNotebook], dict[str, Any]]
    ) -> dict[str, Any] | Fault:
        return self._with(asked, lambda lab: self._asked(lab, what, answer(lab)))

    def _asked(self, lab: FakeNotebook, what: str, told: Any) -> Any:
        """What is ``told``; what happens right after it, it does not tell."""
        lab.asked.add(what)
        if self.untidy:
            self.untidy.stirs(lab)
        self.then(lab, what)
        return told

    def _list(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        names = sorted(self.labs)
        begin = int(asked.get("NextToken") or 0)
        end = begin + int(asked.get("MaxResults") or 10)
        response: dict[str, Any] = {"NotebookInstances": [self.labs[name].wire() for name in names[begin:end]]}
        return {**response, "NextToken": str(end)} if end < len(names) else response

    def _list_tags(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Tags as the tagging API has them: of those that have any."""
        tagged = [self.labs[name] for name in sorted(self.labs) if self.labs[name].tags]
        begin = int(asked.get("PaginationToken") or 0)
        end = begin + int(asked.get("ResourcesPerPage") or 50)
        mappings = [{"ResourceARN": lab.arn, **_reported_tags(lab)} for lab in tagged[begin:end]]
        return {"ResourceTagMappingList": mappings, "PaginationToken": str(end) if end < len(tagged) else ""}

    def _presigned(self, lab: FakeNotebook) -> dict[str, Any] | Fault:
        if lab.status not in ("InService", "PendingMaintenance"):
            return Fault(400, "ValidationException", f"Status ({lab.status}) not in ([InService])")
        self.keys.append(f"{lab.name}.key{len(self.keys)}")
        self.then(lab, "CreatePresignedNotebookInstanceUrl")
        return {"AuthorizedUrl": f"{self.url}?authToken={self.keys[-1]}"}

    def _log_events(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        last = self.log.get(asked["logStreamName"].removesuffix("/jupyter.log"))
        if last is None:
            return Fault(400, "ResourceNotFoundException", "The specified log stream does not exist.")
        if "nextToken" not in asked:  # CloudWatch's first page is often an empty one
            return {"events": [], "nextBackwardToken": "b/1", "nextForwardToken": "f/1"}
        event = {"timestamp": int(last.timestamp() * 1000), "message": "a line", "ingestionTime": 0}
        return {"events": [event], "nextBackwardToken": "b/2", "nextForwardToken": "f/2"}

    def answer(self, lab: FakeNotebook, what: str) -> Fault | Any:
        """One question to one Jupyter, after its time."""
        with self._lock:
            self.counted.append(what)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        if self.seconds:
            time.sleep(self.seconds)
        fault = lab.fault(what)
        with self._lock:
            self._at_once -= 1
            return self._asked(lab, what, fault or json.loads(json.dumps(lab.answer_to(what))))

    def do_inside(self, lab: FakeNotebook, what: str, does: Callable[[], Any]) -> Any:
        """Something that is asked of a Jupyter without ``answer``."""
        with self._lock:
            return self._asked(lab, what, does())

    def _stop(self, lab: FakeNotebook) -> dict[str, Any] | Fault:
        not_asked, lab.asked = WHOLE_LOOK - lab.asked, set()
        if self.untidy and self.untidy.is_throttled(lab):
            self.throttled += 1
            self.untidy.stirs(lab)
            self.then(lab, "a throttled stop")
            return SLOW_DOWN
        if lab.status not in ("InService", "PendingMaintenance"):
            text = f"Status ({lab.status}) not in ([InService]). Unable to transition."
            return Fault(400, "ValidationException", text)
        if self.untidy and self.untidy.chance.random() < self.untidy.loses:
            return CLOSED
        late = None if lab.disturbed is None else time.monotonic() - lab.disturbed
        self.taken.append(StopTaken(lab.name, not_asked, late))
        lab.status, lab.stops = "Stopping", lab.stops + 1
        return CLOSED if self.untidy and self.untidy.chance.random() < self.untidy.forgets else {}


def _reported_tags(lab: FakeNotebook) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in lab.tags.items()]}


def _start(lab: FakeNotebook) -> dict[str, Any] | Fault:
    if lab.status not in ("Stopped", "Failed"):
        return Fault(400, "ValidationException", f"Status ({lab.status}) not in ([Stopped, Failed]).")
    lab.status, lab.since = "Pending", datetime.now(UTC)
    return {}


def _add_tags(lab: FakeNotebook, asked: Mapping[str, Any]) -> dict[str, Any]:
    lab.tags |= {tag["Key"]: tag["Value"] for tag in asked["Tags"]}
    return _reported_tags(lab)


def _delete_tags(lab: FakeNotebook, asked: Mapping[str, Any]) -> dict[str, Any]:
    lab.tags = {key: value for key, value in lab.tags.items() if key not in asked["TagKeys"]}
    return {}
