"""What a run of cron would stumble over, known when it is installed: an endpoint that will be gone, keys that end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from opskit.cli.command import CommandContext
from opskit.core.exceptions import OpskitError, Problem, UsageError

# An access key id of a session begins so; it ends within hours.
_SESSION_KEY = "ASIA"


def address_warnings(heartbeat: str | None) -> tuple[Problem, ...]:
    """That an address, which may be a key, would stand in the crontab and among the machine's processes."""
    if not heartbeat or "://" not in heartbeat:
        return ()
    text = "The address of --heartbeat stands in the line, and other users can see what cron runs."
    hint = "If it is a key: write it into a file, `chmod 600` that, and say --heartbeat @FILE."
    return (Problem("address-visible", text, hint),)


def endpoint_warnings() -> tuple[Problem, ...]:
    """That a run would go to an endpoint on this machine, such as a sandbox's, which ends with its process."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    host = urlsplit(url).hostname or ""
    if not (host in ("localhost", "::1") or host.startswith("127.")):
        return ()
    text = f"A run would talk to {urlsplit(url).scheme}://{host} on this machine, as a sandbox's, and not to AWS."
    hint = "Unset AWS_ENDPOINT_URL and install it again, unless that is meant."
    return (Problem("local-endpoint", text, hint),)


def mfa_warnings(ctx: CommandContext, env_file: Path | None) -> tuple[Problem, ...]:
    """That a run would be asked for an MFA code, which nobody can type."""
    from opskit.aws.session import find_profile_mfa

    serial = None if env_file else find_profile_mfa(ctx.settings.get("profile"))
    if serial is None:
        return ()
    profile = ctx.settings.get("profile") or os.environ.get("AWS_PROFILE") or "default"
    text = f"A run would fail: the profile '{profile}' asks for an MFA code of {serial}, and nobody can type it."
    hint = "Name a --profile that needs no code, give the machine a role, or add --env-file FILE with credentials."
    return (Problem("no-mfa-code", text, hint),)


def short_lived_warnings(ctx: CommandContext, env_file: Path | None) -> tuple[Problem, ...]:
    """That the credentials of a run end: keys of a session in the file or the profile, or a sign-in with SSO."""
    from opskit.aws.session import find_profile_settings
    from opskit.schedule.store.env_file import read_env_file

    hint = "Give the machine a role, or name a --profile or an --env-file with credentials that stay."
    if env_file:
        if not _holds_session_keys(read_env_file(env_file)):
            return ()
        text = f"The keys in {env_file} are those of a session: they end within hours, and then every run fails."
        return (Problem("keys-that-end", text, hint),)
    profile = ctx.settings.get("profile")
    settings = find_profile_settings(profile)
    name = profile or os.environ.get("AWS_PROFILE") or "default"
    if settings.get("sso_session") or settings.get("sso_start_url"):
        text = (
            f"The profile '{name}' signs in with SSO: when that session ends, every run fails until you sign in again."
        )
        return (Problem("sign-in-that-ends", text, hint),)
    named = {key.upper(): str(value) for key, value in settings.items()}
    if _holds_session_keys(named):
        text = (
            f"The keys of the profile '{name}' are those of a session: they end within hours, and then every run fails."
        )
        return (Problem("keys-that-end", text, hint),)
    return ()


def _holds_session_keys(variables: Mapping[str, str]) -> bool:
    return bool(variables.get("AWS_SESSION_TOKEN")) or variables.get("AWS_ACCESS_KEY_ID", "").startswith(_SESSION_KEY)


def setup_warnings(ctx: CommandContext, env_file: Path | None) -> tuple[Problem, ...]:
    """What a run would stumble over at once: no Region, no such profile."""
    if env_file:
        return ()  # it may say both
    try:
        ctx.session()
    except UsageError as error:
        return (replace(error.problem, message=f"A run would fail: {error.problem.message}"),)
    except OpskitError:  # a role that cannot be assumed now may be later
        return ()
    return ()
