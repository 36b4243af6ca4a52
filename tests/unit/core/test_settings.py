"""Every value knows where it came from, and what cannot be read says which file and which key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.access.render.settings import to_text
from opskit.core.exceptions import UsageError
from opskit.core.setting_specs import SETTING_SPECS, SettingSpec, WatchEntry
from opskit.core.settings import _resolve_settings, load_settings
from opskit.core.settings_file import SettingsFile
from tests.fakes.cli_runner import run_opskit

EVERYTHING = """
regions = ["us-east-1", "eu-west-1"]
profile = "school"
role-arn = "arn:aws:iam::123456789012:role/ops"
output = "csv"
read-timeout = "1m30s"
state = "dynamodb://ours"
bucket = "ours"
owner = "ada"
owner-tags = ["contact"]
execution-role = "SageMakerRole"
max-usd = 2.5

[notebook]
after = "36h"
patience-usd = 2
tab-age = "6h"
inside = false
limit = 3

[endpoint]
after = "7d"
patience-usd = 20
limit = 2
production = ["env=live"]

[[watch]]
types = ["ml.m4.xlarge"]
need = 2
share = "80%"

[[watch]]
types = "ml.g5.xlarge"
uses = ["endpoint"]
regions = ["eu-west-1"]
"""


def settings_file(folder: Path, text: str) -> Path:
    file = folder / "opskit.toml"
    file.write_text(text)
    return file


def test_a_file_can_set_every_key(tmp_path: Path) -> None:
    file = settings_file(tmp_path, EVERYTHING)
    settings = load_settings({}, file, {})
    assert {setting.source for setting in settings.values.values()} == {str(file)}
    assert settings.get("notebook.after") == timedelta(hours=36)
    assert settings.get("read-timeout") == timedelta(seconds=90)
    assert settings.get("watch") == (
        WatchEntry(("ml.m4.xlarge",), count=2, alert_share=0.8),
        WatchEntry(("ml.g5.xlarge",), ("endpoint",), ("eu-west-1",)),
    )


def test_a_flag_stands_above_a_variable_above_the_file_above_the_default(tmp_path: Path) -> None:
    file, variables = settings_file(tmp_path, "output = 'csv'\n[notebook]\nlimit = 3"), {"OPSKIT_OUTPUT": "json"}
    nowhere = {"XDG_CONFIG_HOME": str(tmp_path / "nothing")}
    told = [
        load_settings({"output": "markdown"}, file, variables),
        load_settings({}, file, variables),
        load_settings({}, file, {}),
        load_settings({}, None, nowhere),
    ]
    assert [(settings.get("output"), settings.values["output"].source) for settings in told] == [
        ("markdown", "--output"),
        ("json", "OPSKIT_OUTPUT"),
        ("csv", str(file)),
        ("table", "default"),
    ]
    assert told[2].resolve("notebook.limit", None) == 3
    assert told[2].resolve("notebook.limit", 7) == 7


def test_every_variable_is_read_as_its_file_value_is(tmp_path: Path) -> None:
    texts = {
        "regions": "us-east-1, eu-west-1",
        "read-timeout": "1m30s",
        "max-usd": "2.50",
        "notebook.after": "36h",
        "notebook.tab-age": "6h",
        "notebook.limit": "3",
        "notebook.inside": "no",
        "endpoint.after": "7d",
        "endpoint.limit": "2",
        "endpoint.production": "env=live",
    }
    by_file = load_settings({}, settings_file(tmp_path, EVERYTHING), {})
    given = {key.env_var: texts.get(key.name, by_file.get(key.name)) for key in SETTING_SPECS if key.env_var}
    by_variable = load_settings({}, settings_file(tmp_path, ""), given)
    assert all(by_variable.get(key.name) == by_file.get(key.name) for key in SETTING_SPECS if key.env_var)
    assert all(by_variable.values[key.name].source == key.env_var for key in SETTING_SPECS if key.env_var)


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("regionz = 1", "no setting 'regionz'", "'regions'"),
        ("max_usd = 1", "no setting 'max_usd'", "'max-usd'"),
        ("quite-other = 1", "no setting 'quite-other'", "Known keys: regions"),
        ("after = '1h'", "no setting 'after'", "'endpoint.after or notebook.after'"),
        ("[notebook]\naftr = '1h'", "no setting 'notebook.aftr'", "'notebook.after'"),
        ("watch = [{types = ['ml.m4.xlarge']}, {type = 'x'}]", "entry 2: there is no setting 'type'", "'types'"),
        ("notebook = 1", "notebook must be a table, not 1", "[notebook]"),
        ("output = 1", "output must be one of table", ""),
        ("output = 'xml'", "output: Unknown output format 'xml'", "table, json"),
        ("regions = ['us-east-1', 1]", "regions must be a list of words", ""),
        ("profile = ''", "profile must be text", ""),
        ("max-usd = 'lots'", "max-usd: 'lots' is not an amount", "2.50"),
        ("read-timeout = 10", "read-timeout must be a time", ""),
        ("read-timeout = '0s'", "read-timeout must be a time above zero", ""),
        ("[notebook]\nlimit = '3'", "notebook.limit must be a whole number", ""),
        ("[notebook]\nlimit = true", "notebook.limit must be a whole number", ""),
        ("[notebook]\nafter = 'soon'", "notebook.after: 'soon' is not a duration", "30s"),
        ("watch = ['ml.m4.xlarge']", "watch: entry 1 must be a table", "[[watch]]"),
        ("[watch]\nuses = ['training']", "watch: entry 1 names no types", "types"),
        ("[watch]\ntypes = ['ml.m4.xlarge']\nshare = 8", "share must be a share", ""),
        ("bucket = 's3://mine'", "bucket must be the name of an S3 bucket, without s3://", ""),
        ("bucket = 'a b'", "bucket must be the name of an S3 bucket", ""),
        ("regions = [", "not valid TOML", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_its_file_and_key(tmp_path: Path, text: str, words: str, hint: str) -> None:
    file = settings_file(tmp_path, text)
    with pytest.raises(UsageError) as told:
        load_settings({}, file, {})
    assert str(file) in told.value.problem.message
    assert words in told.value.problem.message
    assert hint in told.value.problem.hint


def test_a_bad_variable_names_itself() -> None:
    with pytest.raises(UsageError, match="OPSKIT_NOTEBOOK_LIMIT must be a whole number of at least 1, not 'many'"):
        load_settings({}, None, {"OPSKIT_NOTEBOOK_LIMIT": "many"})


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["types", "uses", "share", "x"]), inner),
)


@given(st.sampled_from(SETTING_SPECS), _VALUES)
def test_no_value_is_too_strange(key: SettingSpec, value: Any) -> None:
    try:
        file = SettingsFile(Path("opskit.toml"), {key.name: value}, b"")
        setting = _resolve_settings({}, {}, file).values[key.name]
    except UsageError as error:
        assert "opskit.toml" in error.problem.message
        assert key.name in error.problem.message
    else:
        assert to_text(setting.value)


@given(st.sampled_from([key for key in SETTING_SPECS if key.env_var]), st.text(min_size=1))
def test_no_variable_is_too_strange(key: SettingSpec, value: str) -> None:
    try:
        setting = _resolve_settings({}, {key.env_var: value}, None).values[key.name]
    except UsageError as error:
        assert key.env_var in error.problem.message
    else:
        assert to_text(setting.value)


@pytest.mark.parametrize("key", [key for key in SETTING_SPECS if key.default is None], ids=lambda key: key.name)
def test_what_has_no_default_says_what_happens_instead(key: Any) -> None:
    assert key.default_text


@pytest.mark.parametrize("flag", ["--region", "--profile", "--state", "--role-arn"])
@pytest.mark.parametrize("empty", ["", " "])
def test_a_flag_that_a_script_gave_an_empty_variable_has_no_value(
    flag: str, empty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run_opskit(capsys, "quotas", "check", flag, empty)
    assert ran.code == 2
    assert ran.err.startswith(f"opskit: {flag} must be ")
    assert ran.err.endswith(": it was given an empty text.\n")
