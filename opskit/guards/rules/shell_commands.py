"""Finds in a shell's command line what may start something in SageMaker: the AWS CLI, Terraform, CDK, and what makes a
stack of a template.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.guards.rules.operations import is_plain_read, starts_nothing

UNKNOWN_VALUE = "known-to-the-shell-only"
"""Takes the place of a variable's value, which only the shell knows. It is not an instance type, and no number."""


class LaunchKind(StrEnum):
    """What may start something."""

    AWS_CLI = "aws-cli"
    TERRAFORM = "terraform"
    CDK = "cdk"
    TEMPLATE = "template"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class ShellLaunch:
    """A command of a command line that may start something. ``words`` are its words with the program, ``variables``
    those that are set for it; ``operation`` is the AWS CLI's. ``reason`` says why it is unreadable.
    """

    kind: LaunchKind
    words: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    operation: str = ""
    reason: str = ""


_GUARDED_PROGRAM = re.compile(r"\b(?:aws|awscli|terraform|tofu|cdk|aws-cdk|sam)\b")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
# What runs another command with the words that follow.
_WRAPPERS = {
    *("builtin", "command", "env", "exec", "nice", "nohup", "stdbuf", "sudo", "time", "timeout"),
    *("uv", "uvx", "run"),  # uv run aws
    *("npx", "bunx", "pnpx", "yarn", "dlx"),  # npx cdk
}
# Variables that a command may set for the AWS CLI. Others, such as AWS_CONFIG_FILE, could make it run what they name.
_CLI_VARIABLES = {"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"}
_SHELLS = {"bash", "dash", "ksh", "sh", "zsh"}
_STACK_COMMANDS = {"create-change-set", "create-stack", "deploy", "update-stack"}
_HIDDEN = re.compile(r"(?:\$\(|`).*\baws\b.*\bsagemaker\b", re.DOTALL)
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+|\$[@*#?]")
_SEPARATOR = re.compile(r"[();<>|&]+")


def find_launches(text: str) -> list[ShellLaunch]:
    """The commands of a command line that may start something, in their order."""
    return list(_launches_in(text)) if _GUARDED_PROGRAM.search(text) else []


def _launches_in(text: str) -> Iterator[ShellLaunch]:
    try:
        lexer = shlex.shlex(_on_one_line(text), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        tokens = list(lexer)
    except ValueError as error:
        if re.search(r"\bsagemaker\b", text):
            yield ShellLaunch(LaunchKind.UNREADABLE, reason=f"the command line cannot be read ({error})")
        return
    segment: list[str] = []
    for token in [*tokens, ";"]:
        if _SEPARATOR.fullmatch(token):
            yield from _launches_of(segment)
            segment = []
        else:
            segment.append(token)


def _on_one_line(text: str) -> str:
    """The text with the ends of commands marked."""
    told, quote, skipped = [], "", False
    for character in text.replace("\\\n", " "):
        if skipped:
            skipped = False
        elif character == "\\" and quote != "'":
            skipped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        # A newline ends a command unless it is quoted or continued.
        told.append("\n;" if character == "\n" and not (quote or skipped) else character)
    return "".join(told)


def _launches_of(words: Sequence[str]) -> Iterator[ShellLaunch]:
    variables, rest = _without_wrappers(words)
    program = rest[0].rpartition("/")[2] if rest else ""
    if program in _SHELLS or program == "eval":
        script = " ".join(rest[1:]) if program == "eval" else _script_of(rest)
        yield from find_launches(script)
    elif program == "aws" or (program.startswith("python") and rest[1:3] == ["-m", "awscli"]):
        yield from _aws_launch(rest if program == "aws" else ["aws", *rest[3:]], variables)
    elif program in ("terraform", "tofu"):
        yield from _terraform_launch(rest, variables)
    elif program in ("cdk", "aws-cdk") and "deploy" in rest[1:]:
        yield ShellLaunch(LaunchKind.CDK, tuple(rest), variables)
    elif program == "sam" and "deploy" in rest[1:]:
        yield ShellLaunch(LaunchKind.TEMPLATE, tuple(rest), variables)
    elif any(_HIDDEN.search(word) for word in words):
        yield ShellLaunch(LaunchKind.UNREADABLE, reason="a command inside another one's argument cannot be judged")


def _without_wrappers(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The variables that are set for a command, and its words without what only runs it."""
    variables: dict[str, str] = {}
    rest = list(words)
    while rest:
        name = rest[0].rpartition("/")[2]
        if _ASSIGNMENT.fullmatch(rest[0]):
            key, _, value = rest.pop(0).partition("=")
            variables[key] = value
        elif name in _WRAPPERS:
            rest.pop(0)
            # Options of the wrapper, and the number that timeout and nice take.
            while rest and (rest[0].startswith("-") or re.fullmatch(r"\d+[smhd]?", rest[0])):
                rest.pop(0)
        else:
            break
    return variables, rest


def _script_of(words: Sequence[str]) -> str:
    """The script in ``bash -c SCRIPT``, also with other options in the same word (``-lc``)."""
    for index, word in enumerate(words[1:], start=1):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return words[index + 1] if index + 1 < len(words) else ""
    return ""


def _aws_launch(words: Sequence[str], variables: dict[str, str]) -> Iterator[ShellLaunch]:
    if "cloudformation" in words and _STACK_COMMANDS & set(words):
        yield ShellLaunch(LaunchKind.TEMPLATE, tuple(words), variables)
    if "sagemaker" not in words:
        return
    index = list(words).index("sagemaker")
    written = words[index + 1] if index + 1 < len(words) else ""
    operation = "".join(part.capitalize() for part in written.split("-"))
    # ``wait`` looks again and again; a skeleton is printed and nothing is sent.
    is_harmless = written in ("", "help", "wait") or any(word.startswith("--generate-cli-skeleton") for word in words)
    # A configuration starts nothing, but an endpoint of the same line may use it.
    is_free = starts_nothing(operation) and operation != "CreateEndpointConfig"
    if is_harmless or is_plain_read(operation) or is_free:
        return
    others = [name for name in variables if name.startswith("AWS_") and name not in _CLI_VARIABLES]
    others += ["--endpoint-url"] if any(word.startswith("--endpoint-url") for word in words) else []
    if others:
        yield ShellLaunch(LaunchKind.UNREADABLE, reason=f"{operation} is sent elsewhere or otherwise by {others[0]}")
        return
    known = tuple(_VARIABLE.sub(UNKNOWN_VALUE, word) for word in words)
    yield ShellLaunch(LaunchKind.AWS_CLI, known, variables, operation)


def _terraform_launch(words: Sequence[str], variables: dict[str, str]) -> Iterator[ShellLaunch]:
    positional = [word for word in words[1:] if not word.startswith("-")]
    if positional[:1] == ["apply"] and "-destroy" not in words:
        yield ShellLaunch(LaunchKind.TERRAFORM, tuple(words), variables)


def template_path(words: Sequence[str]) -> str | None:
    """The template that a command makes a stack of, as it is named there; None: it names none on this machine."""
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in ("--template-file", "--template-body", "--template", "-t"):
            given = value if equals else next(iter(words[index + 1 : index + 2]), "")
            return given.removeprefix("file://")
    return None


def terraform_folder(words: Sequence[str]) -> str:
    """The folder that Terraform is told to work in; empty: the current one."""
    return next((word.partition("=")[2] for word in words if word.startswith("-chdir=")), "")


def named_profile(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The profile that the AWS CLI's words name, and the words without it."""
    rest: list[str] = []
    profile: str | None = None
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--profile" and index + 1 < len(words):
            profile, skip = words[index + 1], True
        elif word.startswith("--profile="):
            profile = word.partition("=")[2]
        else:
            rest.append(word)
    return profile, rest
