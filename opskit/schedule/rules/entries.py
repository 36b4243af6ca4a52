"""One unattended run as a crontab line and as systemd units: the same command in both.

The line contains everything that a run needs, because cron gives its commands four variables and systemd not many more.
The variables are set by ``env`` in the command rather than on lines of their own, which would also apply to every line
below.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from opskit.core.exceptions import UsageError
from opskit.schedule.rules.jobs import ScheduledJob, cron_schedule

# Characters of a command that every cron takes.
# Vixie cron's MAX_COMMAND is 1000 bytes, with the line end and the terminating zero.
_LONGEST = 998

# How long after the deadline systemd ends a run that did not keep it.
_SYSTEMD_SECONDS = 60

# What a run may need of the environment. The list is of what is let in, so that no secret is let in by a new name.
_NAMES = frozenset({
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_DEFAULTS_MODE", "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HTTP_PROXY",
    "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
    "PYTHONPATH",
})  # fmt: skip

_SERVICE_URL = re.compile(r"AWS_ENDPOINT_URL_[A-Z0-9_]+")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN")


@dataclass(frozen=True)
class CronEntry:
    """A job, the variables it gets, and the words of the command that runs it, all paths absolute."""

    job: ScheduledJob
    variables: Mapping[str, str]
    command: tuple[str, ...]

    def crontab_line(self) -> bytes:
        """The line of the crontab.

        Raises:
            UsageError: cron could not read it.
        """
        words = ("/usr/bin/env", *(f"{name}={value}" for name, value in self.variables.items()), *self.command)
        command = _escape_crontab(shlex.join(words))
        return f"{cron_schedule(self.job.interval).cron} {command}\n".encode(errors="surrogateescape")

    def systemd_units(self) -> dict[str, str]:
        """The service and the timer of systemd, by file name."""
        stem = f"opskit-{self.job.name}"
        lines = [f"Environment={_quote_systemd(f'{name}={value}')}" for name, value in self.variables.items()]
        patience = int(self.job.deadline.total_seconds()) + _SYSTEMD_SECONDS
        command = " ".join(map(_quote_systemd_argument, self.command))
        service = [
            "[Unit]", f"Description=opskit {self.job.description}", "",
            "[Service]", "Type=oneshot", f"TimeoutStartSec={patience}s", *lines, f"ExecStart={command}",
        ]  # fmt: skip
        timer = [
            "[Unit]", f"Description=opskit {self.job.description}", "",
            "[Timer]", f"OnCalendar={cron_schedule(self.job.interval).calendar}", "Persistent=true", "",
            "[Install]", "WantedBy=timers.target",
        ]  # fmt: skip
        return {f"{stem}.service": "\n".join(service) + "\n", f"{stem}.timer": "\n".join(timer) + "\n"}


def entry_environment(environment: Mapping[str, str], own: Collection[str], home: str) -> dict[str, str]:
    """What of the environment a run needs; never a secret. ``own`` are the variables of opskit's settings, ``home``
    the folder that cron calls home.
    """
    path = [folder for folder in environment.get("PATH", "").split(":") if folder.startswith("/")]
    variables = {"PATH": ":".join(dict.fromkeys(path)) or "/usr/local/bin:/usr/bin:/bin"}
    if environment.get("HOME", home) != home:
        variables["HOME"] = environment["HOME"]
    needed = {name: value for name, value in sorted(environment.items()) if _is_needed_variable(name, own) and value}
    return variables | {name: value for name, value in needed.items() if not _has_password(value)}


def excluded_secrets(environment: Mapping[str, str], own: Collection[str]) -> tuple[str, ...]:
    """The variables that a run would need and does not get because they hold secrets: keys, and addresses with a
    password in them.
    """
    closed = (name for name, value in environment.items() if _is_needed_variable(name, own) and _has_password(value))
    return (*(name for name in _KEYS if environment.get(name)), *sorted(closed))


def _is_needed_variable(name: str, own: Collection[str]) -> bool:
    return name in _NAMES or name in own or _SERVICE_URL.fullmatch(name) is not None


def _has_password(value: str) -> bool:
    """Whether a value may be an address with a password in it, as a proxy's can be."""
    # Also without a scheme, since proxy variables are often written as user:password@host:port.
    return re.match(r"[a-z]+://[^/]*@|[^/]*:[^/]*@", value, re.IGNORECASE) is not None


def _escape_crontab(command: str) -> str:
    """A command as cron must be given it: there a bare % ends the command.

    Raises:
        UsageError: no cron, or not every cron, could read it.
    """
    if "\n" in command or "\r" in command or "\\" in command:
        hint = "Rename what has it, or use --systemd."
        raise UsageError("bad-line", "Crontab entries cannot contain line breaks or backslashes on every system.", hint)
    escaped = command.replace("%", "\\%")
    if len(escaped.encode(errors="surrogateescape")) > _LONGEST:
        hint = "Most of it may be PATH: try `PATH=/usr/local/bin:/usr/bin:/bin` in front of the full path of opskit."
        raise UsageError("long-line", f"The line would be longer than the {_LONGEST} bytes cron takes.", hint)
    return escaped


def _quote_systemd(word: str) -> str:
    """A word as systemd reads it back: quoted, without its specifiers and variables."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"' if not word or re.search(r"[^A-Za-z0-9_@%+=:,./-]", word) else escaped


def _quote_systemd_argument(word: str) -> str:
    return _quote_systemd(word).replace("$", "$$")
