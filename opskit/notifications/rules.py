"""Parses notification targets, and selects what in a command's result is worth a notification.

A result is read as ``-o json`` promises it, so that one command can report on another that it has run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opskit.core.exceptions import Problem

_MOST_LINES = 20
_URL = re.compile(r"https?://([^/?#@\s]*@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?([/?#]\S*)?")


@dataclass(frozen=True)
class SnsTopic:
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


def parse_target(text: str) -> SnsTopic | Webhook | None:
    """What a text names: a topic, a webhook, or neither."""
    if re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}", text):
        return SnsTopic(text)
    return Webhook(text) if is_https_url(text) else None


def is_https_url(text: str) -> bool:
    """Whether a text is an address that can be fetched."""
    return _URL.fullmatch(text) is not None


def url_host(url: str) -> str:
    """What may be said of an address: the rest of it may be a key."""
    match = _URL.fullmatch(url)
    return match["host"] if match else "the address"


def notification_text(
    command: Sequence[str], data: Mapping[str, Any], exit: int, problems: Iterable[Problem]
) -> str | None:
    """What is to be told of a command that ended: what it stopped and what that saves, what it asked for, what
    failed. None when it did nothing and all is well.
    """
    done = [*_stopped_lines(data.get("notebooks", ())), *_filed_lines(data.get("requests", ()))]
    failed = [*dict.fromkeys(problem.message for problem in problems), *_short_quota_lines(data.get("quotas", ()))]
    if not done and not exit:
        return None
    saved = _saved_lines(data) if data.get("notebooks") and done else []
    ended = [f"It ended with {exit}."] if exit else []
    return "\n".join([f"opskit {' '.join(command)}", *_first_lines(done), *saved, *ended, *_first_lines(failed)])


def begun_graces(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The notebooks whose grace began with this command."""
    return [each for each in data.get("notebooks", ()) if each.get("grace_begun")]


def running_graces(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The notebooks that an earlier command's grace leaves on."""
    return [each for each in data.get("notebooks", ()) if each.get("step") == "nothing" and each.get("stops_at")]


def grace_text(notebook: Mapping[str, Any]) -> str:
    """The message about a notebook in its grace: what it is, whose, what was seen, when it stops, and what to type so
    that it does not.
    """
    name, region, stops_at = notebook["name"], notebook["region"], datetime.fromisoformat(str(notebook["stops_at"]))
    owner = notebook.get("owner") or "not known"
    return "\n".join(
        [
            f"opskit: the notebook {name} is idle and will be stopped at {stops_at:%Y-%m-%d %H:%M} UTC",
            f"- account {notebook.get('account') or 'not known'}, Region {region}, owner {owner}",
            f"- seen: {notebook['because']}",
            f"To keep it: opskit notebook keep {name} --for 36h --region {region}",
            "Work in it ends the grace too. A stop keeps its files.",
        ]
    )


def summarize_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's data in a few words: what was done, and how many of what."""
    summary: dict[str, Any] = {}
    for list_name, by in (("notebooks", "verdict"), ("quotas", "verdict"), ("requests", "outcome")):
        if list_name in data:
            summary[list_name] = dict(Counter(str(each[by]) for each in data[list_name]))
    if "notebooks" in data:
        summary["stopped"] = [each["name"] for each in data["notebooks"] if _was_stopped(each)]
        summary["saved_usd_per_hour"] = data.get("saved_usd_per_hour")
    return summary


def _first_lines(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - _MOST_LINES
    return [*(f"- {line}" for line in lines[:_MOST_LINES]), *([f"- and {rest} more"] if rest > 0 else [])]


def _stopped_lines(notebooks: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"stopped {each['name']} ({each['instance_type']}, {each['region']}): {each['because']}"
        for each in notebooks
        if _was_stopped(each)
    ]


def _was_stopped(notebook: Mapping[str, Any]) -> bool:
    return (notebook["action"], notebook["outcome"]) == ("stop", "done")


def _saved_lines(data: Mapping[str, Any]) -> list[str]:
    saved = data.get("saved_usd_per_hour")
    return ["What this saves is not known." if saved is None else f"This saves {saved} USD per hour."]


def _filed_lines(requests: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"asked for {each['quota_name']} of {each['desired']:g} in {each['region']}"
        for each in requests
        if each["outcome"] == "filed"
    ]


def _short_quota_lines(quotas: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"{each['quota_name']} in {each['region']}: {each['because']}" for each in quotas if each["verdict"] != "fits"
    ]
