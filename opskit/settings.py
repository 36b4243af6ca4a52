"""Settings: flag > environment > file > default, from one table; every value knows where it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opskit.errors import UsageProblem

if TYPE_CHECKING:
    from decimal import Decimal

FILE_NAME = "opskit.toml"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> timedelta:
    """A time span as people write it: ``90s``, ``30m``, ``36h``, ``7d``, ``1h30m``.

    Raises:
        UsageProblem: it is not one.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text.strip().lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip().lower():
        raise UsageProblem("bad-duration", f"'{text}' is not a duration.", "Write it like 30s, 15m, 36h or 7d.")
    seconds = sum(float(number) * (0.001 if unit == "ms" else _UNITS[unit]) for number, unit in parts)
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise UsageProblem("bad-duration", f"'{text}' is longer than anything opskit can wait for.") from error


def usd(text: str) -> Decimal:
    """An amount of USD, above zero.

    Raises:
        UsageProblem: it is not one.
    """
    from decimal import Decimal, InvalidOperation  # inside, as help is faster without it

    try:
        amount = Decimal(str(text).strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise UsageProblem("bad-amount", f"'{text}' is not an amount of USD.", "Write it like 2.50.")
    return amount


def _regions(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else list(value)
    return tuple(str(name).strip() for name in names if str(name).strip())


def _text(value: Any) -> str:
    return str(value).strip()


@dataclass(frozen=True)
class Key:
    """One thing that can be set: its name in the file, its environment variable, how it is read, what it is for."""

    name: str
    environment: str
    read: Callable[[Any], Any]
    what: str


KEYS = (
    Key("regions", "OPSKIT_REGIONS", _regions, "the Regions to look at; 'all' is every Region enabled for the account"),
    Key("profile", "OPSKIT_PROFILE", _text, "the AWS profile to use (boto3's own choice when unset)"),
    Key("role-arn", "OPSKIT_ROLE_ARN", _text, "the role to assume before anything else"),
    Key(
        "bucket",
        "OPSKIT_BUCKET",
        _text,
        "the S3 bucket for data and models (the account's SageMaker default when unset)",
    ),
    Key("execution-role", "OPSKIT_EXECUTION_ROLE", _text, "the role that SageMaker works with"),
    Key("max-usd", "OPSKIT_MAX_USD", usd, "the most one run may cost, in USD"),
    Key("output", "OPSKIT_OUTPUT", _text, "table, json, csv or markdown"),
)


@dataclass(frozen=True)
class Setting:
    """A value and where it came from: ``--flag``, a variable's name, a file's path, or ``default``."""

    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """All settings of one run, by key name."""

    values: Mapping[str, Setting]

    def get(self, name: str) -> Any:
        """The value of a key, None when nobody set it."""
        return self.values[name].value


def settle(
    flags: Mapping[str, Any], file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Decide every setting.

    Raises:
        UsageProblem: a file cannot be read, a key is unknown, or a value makes no sense.
    """
    environment = os.environ if environment is None else environment
    path = file or _found_file(environment)
    from_file = _read_file(path) if path else {}
    return Settings({key.name: _settled(key, flags, environment, from_file, path) for key in KEYS})


def _settled(
    key: Key,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    from_file: Mapping[str, Any],
    path: Path | None,
) -> Setting:
    flag = flags.get(key.name)
    if flag is not None and flag != ():
        return Setting(key.read(flag), f"--{key.name}")
    if environment.get(key.environment):
        return Setting(key.read(environment[key.environment]), key.environment)
    if key.name in from_file:
        return Setting(key.read(from_file[key.name]), str(path))
    return Setting(None, "default")


def _found_file(environment: Mapping[str, str]) -> Path | None:
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    candidates = (Path(FILE_NAME), home / "opskit" / FILE_NAME)
    return next((path for path in candidates if path.is_file()), None)


def _read_file(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem("settings-unreadable", f"The settings file {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem("settings-malformed", f"The settings file {path} is not valid TOML: {error}.") from error
    for name in content:
        _check_known(name, path)
    return content


def _check_known(name: str, path: Path) -> None:
    import difflib

    known = [key.name for key in KEYS]
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean '{close[0]}'?" if close else f"Known keys: {', '.join(known)}."
    raise UsageProblem("settings-unknown-key", f"{path}: there is no setting '{name}'.", hint)
