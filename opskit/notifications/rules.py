"""Parses notification targets, and selects what in a command's result is worth a notification.

A result is read as ``-o json`` promises it, so that one command can report on another that it has run.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from opskit.core.exceptions import EXIT_DESCRIPTIONS, RUN_PROBLEM_CODES, ExitCode, Problem

_MAX_LINES = 20
_MAX_BILLED = 10
DELIVERY_SECONDS = 10.0
"""For all of a delivery over HTTP: looking the name up, connecting, sending, each byte of the answer's head. Its
body is not read.
"""
_URL = re.compile(r"https?://([^/?#@\s]*@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?([/?#]\S*)?")


_NO_REASON = "no reason is known"


@dataclass(frozen=True)
class Place:
    """Where a command worked, as far as its answer does not tell. ``account`` None: not known. ``profile`` is the one
    that leads there; None: none is named.
    """

    account: str | None = None
    profile: str | None = None

    @property
    def flags(self) -> str:
        """What a command that undoes something needs besides."""
        return f" --profile {shlex.quote(self.profile)}" if self.profile else ""


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
    """An address that takes messages. Whoever knows it may write: it is shown to nobody."""

    url: str = field(repr=False)


class WebhookKind(StrEnum):
    """What reads a webhook: its messages have different forms."""

    SLACK = "slack"
    TEAMS = "teams"
    TEXT = "text"


_TEAMS_HOSTS = (".webhook.office.com", ".logic.azure.com", ".powerplatform.com")


def webhook_kind(webhook: Webhook) -> WebhookKind:
    """Who reads it, by its host. Whatever is not known takes a JSON object with a text, as Mattermost and Google Chat
    do.
    """
    host = url_host(webhook.url).lower()
    if host == "hooks.slack.com":
        return WebhookKind.SLACK
    return WebhookKind.TEAMS if host.endswith(_TEAMS_HOSTS) else WebhookKind.TEXT


def webhook_body(webhook: Webhook, text: str) -> dict[str, Any]:
    """The JSON of a message, in which the text is text: no name in it becomes a link or calls for anybody."""
    match webhook_kind(webhook):
        case WebhookKind.SLACK:
            escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return {"text": escaped, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
        case WebhookKind.TEAMS:
            return {"type": "message", "attachments": [_teams_card(text)]}
        case WebhookKind.TEXT:
            return {"text": text}


def _teams_card(text: str) -> dict[str, Any]:
    # Runs of rich text, since Teams reads markdown in every other kind of text.
    lines = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line or " "}]} for line in text.splitlines()
    ]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": lines}
    return {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", **card},
    }


def parse_target(text: str) -> SnsTopic | Webhook | None:
    """What a text names: a topic, a webhook, or neither."""
    if re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}", text):
        return SnsTopic(text)
    return Webhook(text) if is_https_url(text) else None


def is_https_url(text: str) -> bool:
    """Whether a text is an address that can be fetched."""
    return _URL.fullmatch(text) is not None


def is_same_host(url: str, other: str) -> bool:
    """Whether a redirect from ``url`` to ``other`` stays on its host, and leads to nothing less safe."""
    match, target = _URL.fullmatch(url), _URL.fullmatch(other)
    if match is None or target is None or match["host"].lower() != target["host"].lower():
        return False
    if url.startswith("https://") and not other.startswith("https://"):
        return False
    return match[3] == target[3] or (url.startswith("http://") and other.startswith("https://"))


def url_host(url: str) -> str:
    """What may be said of an address: the rest of it may be a key."""
    match = _URL.fullmatch(url)
    return match["host"] if match else "the address"


def notification_text(
    command: Sequence[str], data: Mapping[str, Any], exit: int, problems: Iterable[Problem], place: Place | None = None
) -> str | None:
    """What is to be told of a command that ended: in which account and Region, what it stopped and what that saves,
    what it asked for, how that is undone, what failed and why. None when it did nothing and all is well.
    """
    place = place or Place()
    problems = tuple(problems)
    done = [*_stopped_lines(data, place), *_filed_lines(data.get("requests", ()), place)]
    names = [str(each["name"]) for _, each in _stoppable_rows(data)]
    failed = [
        *count_alike([problem.message for problem in problems], names),
        *_short_quota_lines(data.get("quotas", ())),
    ]
    bill = bill_lines(data)
    if not (done or bill) and not exit and not any(problem.code in RUN_PROBLEM_CODES for problem in problems):
        return None
    saved = _saved_lines(data) if done and "saved_usd_per_hour" in data else []
    ended = [f"It ended with {exit}."] if exit else []
    reasons = failed or ([f"no reason was given; {exit} means: {_exit_meaning(exit)}"] if exit else [])
    heads = [f"opskit {' '.join(command)}", *_place_lines(data, place)]
    return "\n".join([*heads, *bill, *_first_lines(done), *saved, *ended, *_first_lines(reasons)])


def bill_lines(data: Mapping[str, Any]) -> list[str]:
    """What bills now, from the data of ``opskit costs``: the sums, and the dearest with whose they are and what ends
    them. Empty for any other data.
    """
    totals, items = data.get("totals"), data.get("items")
    if not isinstance(totals, Mapping) or not isinstance(items, Sequence) or "usd_per_30_days" not in totals:
        return []
    least = "at least " if totals.get("at_least") else ""
    head = (
        f"{len(items)} items bill {least}{totals['usd_per_hour']} USD per hour, {least}{totals['usd_per_30_days']} USD "
        f"in 30 days{_unpriced_words(totals)}."
    )
    ending = [each for each in items if each.get("stop_with") and each.get("usd_per_hour") != 0]
    lines = [_bill_line(each) for each in ending[:_MAX_BILLED]]
    more = [f"- and {len(ending) - _MAX_BILLED} more: opskit costs"] if len(ending) > _MAX_BILLED else []
    return [head, *lines, *more]


def _unpriced_words(totals: Mapping[str, Any]) -> str:
    return f" ({totals['unpriced']} have no known price)" if totals.get("unpriced") else ""


def _bill_line(item: Mapping[str, Any]) -> str:
    usd = "price not known" if item.get("usd_per_hour") is None else f"{item['usd_per_hour']} USD/h"
    owner = item.get("owner") or "owner not known"
    return (
        f"- {item['kind']} {item['name']} ({item['region']}): {usd}, {owner}, {item['verdict']}. "
        f"To end it: {item['stop_with']}"
    )


def count_alike(messages: Sequence[str], names: Sequence[str] = ()) -> list[str]:
    """Each message once, with how often it came; those that differ only in one of the ``names`` are alike."""
    by_length = sorted(filter(None, set(names)), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, by_length))) if by_length else None
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    for message in filter(None, messages):
        alike = pattern.sub("\0", message) if pattern else message
        first.setdefault(alike, message)
        count[alike] += 1
    return [text if count[alike] == 1 else f"{text} ({count[alike]} times)" for alike, text in first.items()]


def _exit_meaning(exit: int) -> str:
    return EXIT_DESCRIPTIONS[ExitCode(exit)] if exit in list(ExitCode) else "it was ended from outside"


def _place_lines(data: Mapping[str, Any], place: Place) -> list[str]:
    """Account and Regions, as far as the answer or the session tells them."""
    listed = ("notebooks", "endpoints", "requests", "quotas", "items")
    rows = [each for name in listed for each in data.get(name, ())]
    accounts = sorted({str(each["account"]) for each in (data, *rows) if each.get("account")})
    regions = sorted({str(each["region"]) for each in rows if each.get("region")})
    account = ", ".join(accounts) or place.account
    told = [f"account {account}"] if account else []
    told += [f"Region {', '.join(regions)}"] if regions else []
    return [", ".join(told)] if told else []


class StoppableKind(StrEnum):
    """What opskit stops when it is idle."""

    NOTEBOOK = "notebook"
    ENDPOINT = "endpoint"


def _stoppable_rows(data: Mapping[str, Any]) -> list[tuple[StoppableKind, Mapping[str, Any]]]:
    """The rows of what can be stopped, each with its kind."""
    return [(kind, each) for kind in StoppableKind for each in data.get(f"{kind}s", ())]


def begun_graces(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The notebooks and endpoints whose grace began with this command, each with its ``kind``."""
    return [{**each, "kind": kind} for kind, each in _stoppable_rows(data) if each.get("grace_begun")]


def running_graces(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The notebooks and endpoints that an earlier command's grace leaves on, each with its ``kind``."""
    return [
        {**each, "kind": kind}
        for kind, each in _stoppable_rows(data)
        if each.get("step") == "nothing" and each.get("stops_at")
    ]


def grace_text(row: Mapping[str, Any]) -> str:
    """The message about what is in its grace: what it is, whose, what was seen, when it stops, and what to type so
    that it does not.
    """
    kind = StoppableKind(row.get("kind", StoppableKind.NOTEBOOK))
    name, region, stops_at = row["name"], row["region"], datetime.fromisoformat(str(row["stops_at"]))
    owner = row.get("owner") or "not known"
    return "\n".join(
        [
            f"opskit: the {kind} {name} is idle and will be stopped at {stops_at:%Y-%m-%d %H:%M} UTC",
            f"- account {row.get('account') or 'not known'}, Region {region}, owner {owner}",
            f"- seen: {row['because']}",
            f"To keep it: {_keep_command(kind, row)}",
            _kept_by_stop_text(kind),
        ]
    )


def _keep_command(kind: StoppableKind, row: Mapping[str, Any]) -> str:
    match kind:
        case StoppableKind.NOTEBOOK:
            span = "36h"
        case StoppableKind.ENDPOINT:
            span = "14d"
    return f"opskit {kind} keep {row['name']} --for {span} --region {row['region']}"


def _kept_by_stop_text(kind: StoppableKind) -> str:
    match kind:
        case StoppableKind.NOTEBOOK:
            return "Work in it ends the grace too. A stop keeps its files."
        case StoppableKind.ENDPOINT:
            return "An invocation ends the grace too. A stop keeps its configuration and model."


def summarize_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's data in a few words: what was done, and how many of what."""
    summary: dict[str, Any] = {}
    listed = (("notebooks", "verdict"), ("endpoints", "verdict"), ("quotas", "verdict"), ("requests", "outcome"))
    for list_name, by in listed:
        if list_name in data:
            summary[list_name] = dict(Counter(str(each[by]) for each in data[list_name]))
    if bill_lines(data):
        summary["items"] = len(data["items"])
        summary["usd_per_hour"] = data["totals"]["usd_per_hour"]
    if "notebooks" in data or "endpoints" in data:
        summary["stopped"] = [each["name"] for _, each in _stoppable_rows(data) if _was_stopped(each)]
        summary["saved_usd_per_hour"] = data.get("saved_usd_per_hour")
    return summary


def _first_lines(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - _MAX_LINES
    return [*(f"- {line}" for line in lines[:_MAX_LINES]), *([f"- and {rest} more"] if rest > 0 else [])]


def _stopped_lines(data: Mapping[str, Any], place: Place) -> list[str]:
    return [
        f"stopped {each['name']} ({_instances_text(kind, each)}, {each['region']}): {each['because'] or _NO_REASON}. "
        f"To undo: opskit {kind} start {each['name']} --region {each['region']}{place.flags}"
        for kind, each in _stoppable_rows(data)
        if _was_stopped(each)
    ]


def _instances_text(kind: StoppableKind, row: Mapping[str, Any]) -> str:
    match kind:
        case StoppableKind.NOTEBOOK:
            return str(row["instance_type"])
        case StoppableKind.ENDPOINT:
            types = [
                "serverless" if each.get("serverless") else str(each["instance_type"] or "type not known")
                for each in row["variants"]
            ]
            return f"endpoint, {', '.join(dict.fromkeys(types)) or 'instances not known'}"


def _was_stopped(notebook: Mapping[str, Any]) -> bool:
    return (notebook["action"], notebook["outcome"]) == ("stop", "done")


def _saved_lines(data: Mapping[str, Any]) -> list[str]:
    saved = data.get("saved_usd_per_hour")
    return ["What this saves is not known." if saved is None else f"This saves {saved} USD per hour."]


def _filed_lines(requests: Iterable[Mapping[str, Any]], place: Place) -> list[str]:
    return [
        f"asked for {each['quota_name']} of {each['desired']:g} in {each['region']}. AWS takes no request back; to "
        f"follow it: opskit quotas requests --region {each['region']}{place.flags}"
        for each in requests
        if each["outcome"] == "filed"
    ]


def _short_quota_lines(quotas: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"{each['quota_name']} in {each['region']}: {each['because'] or _NO_REASON}"
        for each in quotas
        if each["verdict"] != "fits"
    ]
