"""Where news goes, and what in a command's answer is news.

An answer is taken as ``-o json`` promises it, so that one command can tell of another it has run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opskit.errors import Problem

_MOST_LINES = 20
_URL = re.compile(r"https?://([^/?#@\s]*@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?([/?#]\S*)?")


@dataclass(frozen=True)
class Topic:
    """An SNS topic."""

    arn: str

    @property
    def region(self) -> str:
        """Where it is."""
        return self.arn.split(":")[3]


@dataclass(frozen=True)
class Webhook:
    """An address that takes ``{"text": …}``, as Slack's do. Whoever knows it may write: it is shown to nobody."""

    url: str = field(repr=False)


def destination(text: str) -> Topic | Webhook | None:
    """What a text names: a topic, a webhook, or neither."""
    if re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}", text):
        return Topic(text)
    return Webhook(text) if is_url(text) else None


def is_url(text: str) -> bool:
    """Whether a text is an address that can be fetched."""
    return _URL.fullmatch(text) is not None


def host_of(url: str) -> str:
    """What may be said of an address: the rest of it may be a key."""
    found = _URL.fullmatch(url)
    return found["host"] if found else "the address"


def news(command: Sequence[str], data: Mapping[str, Any], exit: int, problems: Iterable[Problem]) -> str | None:
    """What is to be told of a command that ended: what it stopped and what that saves, what it asked for, what
    failed. None when it did nothing and all is well.
    """
    done = [*_stopped(data.get("notebooks", ())), *_filed(data.get("requests", ()))]
    failed = [*dict.fromkeys(problem.message for problem in problems), *_short(data.get("quotas", ()))]
    if not done and not exit:
        return None
    saved = _saved(data) if data.get("notebooks") and done else []
    ended = [f"It ended with {exit}."] if exit else []
    return "\n".join([f"opskit {' '.join(command)}", *_first(done), *saved, *ended, *_first(failed)])


def digest(data: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's data in a few words: what was done, and how many of what."""
    told: dict[str, Any] = {}
    for kind, by in (("notebooks", "verdict"), ("quotas", "verdict"), ("requests", "outcome")):
        if kind in data:
            told[kind] = dict(Counter(str(each[by]) for each in data[kind]))
    if "notebooks" in data:
        told["stopped"] = [each["name"] for each in data["notebooks"] if _is_stopped(each)]
        told["saved_usd_per_hour"] = data.get("saved_usd_per_hour")
    return told


def _first(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - _MOST_LINES
    return [*(f"- {line}" for line in lines[:_MOST_LINES]), *([f"- and {rest} more"] if rest > 0 else [])]


def _stopped(notebooks: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"stopped {each['name']} ({each['instance_type']}, {each['region']}): {each['because']}"
        for each in notebooks
        if _is_stopped(each)
    ]


def _is_stopped(notebook: Mapping[str, Any]) -> bool:
    return (notebook["action"], notebook["outcome"]) == ("stop", "done")


def _saved(data: Mapping[str, Any]) -> list[str]:
    saved = data.get("saved_usd_per_hour")
    return ["What this saves is not known." if saved is None else f"This saves {saved} USD per hour."]


def _filed(requests: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"asked for {each['quota_name']} of {each['desired']:g} in {each['region']}"
        for each in requests
        if each["outcome"] == "filed"
    ]


def _short(quotas: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"{each['quota_name']} in {each['region']}: {each['because']}" for each in quotas if each["verdict"] != "fits"
    ]
