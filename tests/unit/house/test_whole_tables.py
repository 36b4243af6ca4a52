"""Every table that is keyed by one of opskit's enumerations has a row for each member."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module

from opskit.quotas.rules.model import Verdict
from tools.whole_tables import EnumTable, find_modules, find_tables, main, own_namespaces


class Foreign(StrEnum):
    A = "a"


COUNTERS = "opskit.quotas.reads.usage"
WORKLOADS = "opskit.core.workloads"


def tables_in(**names: object) -> list[EnumTable]:
    return list(find_tables([("here", names)]))


def test_every_table_of_opskit_is_whole() -> None:
    assert main([]) == 0


def test_all_modules_are_looked_at() -> None:
    modules = find_modules()
    assert {"opskit.quotas.render.check", "opskit.sandbox.jobs.training_job"} <= set(modules)
    assert len(modules) > 250


def test_a_row_that_is_missing_is_named() -> None:
    (found,) = tables_in(WORDS={Verdict.FITS: "", Verdict.SHORT: "", Verdict.PENDING: "", Verdict.UNKNOWN: ""})
    assert (found.name, found.kind, found.missing_members) == ("here.WORDS", Verdict, ["NOT_OFFERED"])


def test_other_keys_beside_the_members_hide_nothing() -> None:
    (found,) = tables_in(WORDS={"other": "", Verdict.FITS: ""})
    assert "SHORT" in found.missing_members


def test_a_whole_table_lacks_nothing() -> None:
    assert [table.missing_members for table in tables_in(WORDS=dict.fromkeys(Verdict, ""))] == [[]]


def test_what_is_no_table_of_an_enumeration_is_left_alone() -> None:
    assert tables_in(WORDS={"fits": 1}, MEMBERS=[Verdict.FITS], NAMES=dict.fromkeys(Foreign, ""), NONE={}) == []


def test_a_table_that_others_import_is_told_of_once() -> None:
    table = {Verdict.FITS: ""}
    assert [found.name for found in find_tables([("one", {"T": table}), ("two", {"T": table})])] == ["one.T"]


def test_a_table_is_named_where_it_is_made_and_not_where_it_is_imported_first() -> None:
    """So that whoever reads the name opens the file in which the row is missing."""
    names = [found.name for found in find_tables(own_namespaces([COUNTERS, WORKLOADS]))]
    assert f"{WORKLOADS}.WORKLOADS" in names
    assert f"{COUNTERS}.WORKLOADS" not in names


def test_every_table_stays_when_what_is_imported_is_left_out() -> None:
    modules = find_modules()
    imported = {id(found.rows) for found in find_tables((name, vars(import_module(name))) for name in modules)}
    assert imported == {id(found.rows) for found in find_tables(own_namespaces(modules))}
