"""Whose things are, from a caller's ARN: a person's where it names one, and never a word that a machine made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opskit.core.exceptions import UsageError
from opskit.core.owners import OWNER_TAG, OwnerSource, caller_owner, named_owner, person_of, shared_owner_text
from opskit.core.settings import load_settings
from opskit.core.tags import is_tag_value

USER = "arn:aws:iam::123456789012:user/team/ada"
ROLE = "arn:aws:sts::123456789012:assumed-role/lab"


@pytest.mark.parametrize(
    ("arn", "name", "source"),
    [
        (USER, USER, OwnerSource.USER),
        ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root", OwnerSource.USER),
        ("arn:aws:sts::1:federated-user/bob", "arn:aws:sts::1:federated-user/bob", OwnerSource.USER),
        (f"{ROLE}/ada@example.com", f"{ROLE}/ada@example.com", OwnerSource.SESSION),
        ("arn:aws-cn:sts::1:assumed-role/lab/ada", "arn:aws-cn:sts::1:assumed-role/lab/ada", OwnerSource.SESSION),
        ("arn:aws-cn:sts::1:assumed-role/lab/i-0abc", "arn:aws-cn:iam::1:role/lab", OwnerSource.ROLE),
    ],
)
def test_a_caller_is_the_owner(arn: str, name: str, source: OwnerSource) -> None:
    owner = caller_owner(arn)
    assert (owner.name, owner.source, owner.tags) == (name, source, {OWNER_TAG: name})


@pytest.mark.parametrize(
    "session",
    [
        "botocore-session-1764162854",
        "aws-sdk-java-1764162854",
        "aws-sdk-js-session-1764162854",
        "aws-go-sdk-1764162854000000000",
        "AWS-CLI-session-1764162854",
        "i-0123456789abcdef0",
        "1764162854000000000",
        "0123456789abcdef0123456789abcdef",
        "11111111-2222-3333-4444-555555555555",
        "SageMaker",
        "GitHubActions",
        "opskit",
    ],
)
def test_a_session_that_a_machine_named_is_the_roles_and_everybodys_who_has_it(session: str) -> None:
    owner = caller_owner(f"{ROLE}/{session}")
    assert owner.name == "arn:aws:iam::123456789012:role/lab"
    assert owner.is_shared
    assert session in shared_owner_text(owner)
    assert person_of(f"{ROLE}/{session}") is None
    known = caller_owner(f"{ROLE}/{session}", "ada")
    assert (known.name, known.is_shared) == (f"{ROLE}/ada", False)


@given(some.text(some.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=600))
def test_every_name_is_one_that_aws_takes_as_a_tag(name: str) -> None:
    value = caller_owner(f"arn:aws:iam::123456789012:user/{name}").name
    assert is_tag_value(value)
    assert 0 < len(value) <= 256


def test_names_that_differ_only_in_what_aws_does_not_take_stay_apart() -> None:
    names = ("a,b", "a b", "a;b", "a" * 300, "a" * 301)
    assert len({caller_owner(f"arn:aws:iam::123456789012:user/{name}").name for name in names}) == len(names)


@pytest.mark.parametrize("name", ["", "   ", "a,b", "x" * 257, "a\nb", "ada\x1b[1m"])
def test_an_owner_that_aws_would_not_take_is_refused_before_anything_is_made(name: str) -> None:
    settings = load_settings({}, None, {"XDG_CONFIG_HOME": "/nonexistent"})
    with pytest.raises(UsageError, match="--owner must be at most 256 letters"):
        settings.resolve("owner", name)


def test_what_has_no_owner_is_ones_own_only_where_that_is_said() -> None:
    from dataclasses import replace

    ada = named_owner("ada")
    untagged = replace(ada, untagged=True)
    assert [ada.owns(tags) for tags in ({OWNER_TAG: "ada"}, {OWNER_TAG: "bob"}, {}, {"owner": "ada"})] == [
        True,
        False,
        False,
        False,
    ]
    assert [untagged.owns(tags) for tags in ({OWNER_TAG: "ada"}, {OWNER_TAG: "bob"}, {})] == [True, False, True]
    assert (ada.tags, untagged.tags) == ({OWNER_TAG: "ada"}, {})
