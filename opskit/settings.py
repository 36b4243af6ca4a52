"""Settings: flag > environment > file > default, from one table; every value knows where it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opskit.errors import UsageProblem

if TYPE_CHECKING:
    from decimal import Decimal

FILE_NAME = "opskit.toml"
OUTPUTS = ("table", "json", "csv", "markdown")

_LONGEST_ANSWER = timedelta(hours=1)
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


@dataclass(frozen=True)
class Kind:
    """A kind of value: what it is in words, what TOML may write it as, and how it is read. Variables and flags
    are text to all kinds.
    """

    what: str
    written: tuple[type, ...]
    read: Callable[[Any], Any]


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError
    return value.strip()


def _texts(value: str | Sequence[str]) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not words:
        raise ValueError
    return tuple(_text(word) for word in words)


def _count(value: str | int) -> int:
    if int(value) < 1:
        raise ValueError
    return int(value)


def _share(value: str | float) -> float:
    text = str(value).strip()
    share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < share <= 1:
        raise ValueError
    return share


def _output(value: str) -> str:
    if value not in OUTPUTS:
        raise UsageProblem("bad-output", f"There is no output form '{value}'.", f"One of: {', '.join(OUTPUTS)}.")
    return value


def _some_time(value: str) -> timedelta:
    if not timedelta() < duration(value) <= _LONGEST_ANSWER:
        raise ValueError
    return duration(value)


TEXT = Kind("text", (str,), _text)
TEXTS = Kind("a list of words", (str, list), _texts)
COUNT = Kind("a whole number of at least 1", (int,), _count)
SHARE = Kind("a share such as 0.8 or '80%'", (int, float, str), _share)
SPAN = Kind("a time such as '90s' or '36h'", (str,), duration)
SOME_TIME = Kind("a time above zero, at most 1h, such as '10s'", (str,), _some_time)
AMOUNT = Kind("an amount of USD such as 2.50", (int, float, str), usd)
FORM = Kind(f"one of {', '.join(OUTPUTS)}", (str,), _output)


@dataclass(frozen=True)
class Key:
    """One thing that can be set: its name in the file (``table.key`` in a table), its kind, what it is for, its
    environment variable, its flag, and what counts when nobody sets it (None: ``otherwise`` tells).
    """

    name: str
    kind: Kind
    what: str
    environment: str = ""
    flag: str = ""
    default: Any = None
    otherwise: str = ""


@dataclass(frozen=True)
class Watch:
    """One entry of the watch list: instance types with what they are for. Where ``uses`` or ``regions`` is empty,
    the usual ones count. ``share`` (above 0, at most 1) is the part of a quota that may be in use without a word.
    """

    types: tuple[str, ...]
    uses: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    need: int = 1
    share: float | None = None


WATCH_KEYS = (
    Key("types", TEXTS, "the instance types to look at (needed)"),
    Key("uses", TEXTS, "what for, as in --for", otherwise="what a run or the course does with the type"),
    Key("regions", TEXTS, "where", otherwise="the setting regions"),
    Key("need", COUNT, "the instances needed of each type", default=1),
    Key("share", SHARE, "the share of a quota in use from which it is too full", otherwise="no such line"),
)


def _watch_list(value: Any) -> tuple[Watch, ...]:
    entries = [value] if isinstance(value, dict) else list(value)
    return tuple(_watch(entry, f"entry {at}") for at, entry in enumerate(entries, 1))


def _watch(entry: Any, where: str) -> Watch:
    if not isinstance(entry, dict):
        raise UsageProblem("bad-setting", f"{where} must be a table, not {entry!r}.", "Write it under [[watch]].")
    _check_known(entry, WATCH_KEYS, where)
    if "types" not in entry:
        raise UsageProblem("bad-setting", f"{where} names no types.", 'Add, for example, types = ["ml.m4.xlarge"].')
    return Watch(**{key.name: _read(key, entry[key.name], where) for key in WATCH_KEYS if key.name in entry})


WATCHES = Kind("a list of tables", (list, dict), _watch_list)

KEYS = (
    Key(
        "regions",
        TEXTS,
        "the Regions to look at; 'all' is every Region enabled for the account",
        "OPSKIT_REGIONS",
        "--region",
        otherwise="boto3's Region",
    ),
    Key("profile", TEXT, "the AWS profile to use", "OPSKIT_PROFILE", "--profile", otherwise="boto3's own choice"),
    Key("role-arn", TEXT, "the role to assume before anything else", "OPSKIT_ROLE_ARN", "--role-arn", otherwise="none"),
    Key("output", FORM, "the form of answers", "OPSKIT_OUTPUT", "--output", OUTPUTS[0]),
    Key(
        "read-timeout",
        SOME_TIME,
        "how long to wait for an answer of AWS",
        "OPSKIT_READ_TIMEOUT",
        default=timedelta(seconds=10),
    ),
    Key(
        "bucket",
        TEXT,
        "the S3 bucket for data and models",
        "OPSKIT_BUCKET",
        "--bucket",
        otherwise="the account's SageMaker default",
    ),
    Key(
        "execution-role",
        TEXT,
        "the role that SageMaker works with",
        "OPSKIT_EXECUTION_ROLE",
        "--role",
        otherwise="looked for in the account",
    ),
    Key("max-usd", AMOUNT, "the most one run may cost, in USD", "OPSKIT_MAX_USD", "--max-usd", otherwise="any amount"),
    Key(
        "notebook.after",
        SPAN,
        "a notebook is idle after so long without activity",
        "OPSKIT_NOTEBOOK_AFTER",
        "--after",
        timedelta(hours=1),
    ),
    Key(
        "notebook.tab-age",
        SPAN,
        "whoever only saves, or has a browser tab open, is at work for so long after the last kernel or terminal was",
        "OPSKIT_NOTEBOOK_TAB_AGE",
        "--tab-age",
        timedelta(hours=4),
    ),
    Key("notebook.limit", COUNT, "the most notebooks to stop at once", "OPSKIT_NOTEBOOK_LIMIT", "--limit", 10),
    Key(
        "watch",
        WATCHES,
        "what `opskit quotas check` looks at when no type is named",
        otherwise="what the Boston workflow and the course need",
    ),
)


@dataclass(frozen=True)
class Setting:
    """A value and where it came from: ``--flag``, a variable's name, a file's path, or ``default``."""

    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """All settings of one run, by key name, and the file that was read, if any."""

    values: Mapping[str, Setting]
    file: Path | None = None

    def get(self, name: str) -> Any:
        """The value of a key; where nobody set it, its default, or None where it has none."""
        return self.values[name].value

    def chosen(self, name: str, typed: Any) -> Any:
        """What was typed for a key, read as its kind is; where nothing was, the setting.

        Raises:
            UsageProblem: what was typed makes no sense.
        """
        key = next(key for key in KEYS if key.name == name)
        return self.get(name) if typed is None else _read(key, typed, key.flag, typed=True)


def settle(
    flags: Mapping[str, Any], file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Decide every setting.

    Raises:
        UsageProblem: a file cannot be read, a key is unknown, or a value makes no sense.
    """
    environment = os.environ if environment is None else environment
    path = file or next((each for each in places(environment) if each.is_file()), None)
    from_file = _read_file(path) if path else {}
    return Settings({key.name: _settled(key, flags, environment, from_file, path) for key in KEYS}, path)


def places(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a settings file is looked for; the first that is there counts."""
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(FILE_NAME), home / "opskit" / FILE_NAME


def _settled(
    key: Key,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    from_file: Mapping[str, Any],
    path: Path | None,
) -> Setting:
    flag = flags.get(key.name)
    if flag is not None and flag != ():
        return Setting(_read(key, flag, key.flag, typed=True), key.flag)
    if environment.get(key.environment):
        return Setting(_read(key, environment[key.environment], key.environment, typed=True), key.environment)
    if key.name in from_file:
        return Setting(_read(key, from_file[key.name], str(path)), str(path))
    return Setting(key.default, "default")


def _read(key: Key, value: Any, where: str, *, typed: bool = False) -> Any:
    """A value as its kind reads it. ``typed`` by a person it is text; in a file it must have the kind's own type."""
    try:
        if not typed and (isinstance(value, bool) or not isinstance(value, key.kind.written)):
            raise ValueError
        return key.kind.read(value)
    except UsageProblem as error:
        if typed and where.startswith("--"):
            raise
        told = error.problem
        raise UsageProblem(told.code, f"{_place(key, where)}: {told.message}", told.hint) from error
    except (ValueError, AttributeError) as error:
        raise UsageProblem("bad-setting", f"{_place(key, where)} must be {key.kind.what}, not {value!r}.") from error


def _place(key: Key, where: str) -> str:
    return where if where in (key.environment, key.flag) else f"{where}: {key.name}"


def _read_file(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem("settings-unreadable", f"The settings file {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem("settings-malformed", f"The settings file {path} is not valid TOML: {error}.") from error
    flat = dict(_flat(content, path))
    _check_known(flat, KEYS, str(path))
    return flat


def _flat(content: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Any]]:
    """Each value with its full name: ``after`` in the table ``notebook`` is ``notebook.after``."""
    tables = {key.name.partition(".")[0] for key in KEYS if "." in key.name}
    for name, value in content.items():
        if name not in tables:
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())
        else:
            raise UsageProblem("bad-setting", f"{path}: {name} must be a table, not {value!r}.", f"Write [{name}].")


def _check_known(names: Mapping[str, Any], keys: Sequence[Key], where: str) -> None:
    known = [key.name for key in keys]
    for name in names:
        if name not in known:
            hint = _meant(name, known) or f"Known keys: {', '.join(known)}."
            raise UsageProblem("settings-unknown-key", f"{where}: there is no setting '{name}'.", hint)


def _meant(name: str, known: Sequence[str]) -> str:
    """A suggestion for a name nobody knows: one spelt like it, or one like it in another table."""
    import difflib

    alike = {each.rpartition(".")[2]: each for each in known} | {each: each for each in known}
    tried = (name.lower().replace("_", "-"), name.rpartition(".")[2].lower().replace("_", "-"))
    close = [found for each in tried for found in difflib.get_close_matches(each, list(alike), n=1)]
    return f"Did you mean '{alike[close[0]]}'?" if close else ""
