"""Each way to handle a new member of an enumeration by default is found, and each closed way passes."""

from __future__ import annotations

import ast
from pathlib import Path
from textwrap import indent

import pytest

from tools.closed_choices import find_open_choices, find_rewritten_enumerations, find_twin_enumerations, main
from tools.enumerations import find_enumerations

KIND = """
class Kind(StrEnum):
    A = "a"
    B = "b"
    C = "c"
"""
OPEN = {
    "a wildcard": "match kind:\n    case Kind.A:\n        return 1\n    case _:\n        return 2",
    "a wildcard with a name": "match kind:\n    case Kind.A:\n        return 1\n    case other:\n        return other",
    "a wildcard in a class": "match ask:\n    case Ask(kind=Kind.A):\n        return\n    case _:\n        go()",
    "else": "if kind is Kind.A:\n    stop()\nelse:\n    send()",
    "elif": "if ready:\n    wait()\nelif kind == Kind.A:\n    stop()\nelse:\n    send()",
    "a ternary": "return 1 if kind is Kind.A else 2",
    "a ternary that says not": "return send() if kind is not Kind.A else None",
    "a ternary beside something else": "return 1 if ready and kind is Kind.A else 2",
    "a return, then more": "if kind is Kind.A:\n    return 1\nreturn 2",
    "a raise, then more": "if kind is Kind.A:\n    raise ValueError\nsend()",
    "a continue, then more": "for kind in kinds:\n    if kind is Kind.A:\n        continue\n    send()",
    "not, and a return": "if kind is not Kind.A:\n    return\nstop()",
    "all but one": "return [each for each in kinds if each is not Kind.A]",
    "all but one, by value": "sent = kind != Kind.A",
    "a list of some": "return kind in (Kind.A, Kind.B)",
    "a list of all but some": "sent = kind not in {Kind.A}",
    "a list with a name": "some = frozenset({Kind.A, Kind.B})\nreturn kind in some",
    "a member of another module": "return 1 if kind is kinds.Kind.A else 2",
    "a table inside an expression": 'return {Kind.A: "a", Kind.B: "b"}.get(kind, "")',
    "a table that is asked at once": 'return {Kind.A: "a", Kind.B: "b"}[kind]',
    "a case with a condition": "match ready:\n    case True if kind is Kind.A:\n        go()",
    "a guard that lets the rest through": "if kind is Kind.A:\n    raise ValueError\nreturn send()",
    "a return inside of a block": "if kind is Kind.A:\n    with lock:\n        return 1\nreturn 2",
    "an exit, then more": "if kind is Kind.A:\n    sys.exit(1)\nsend()",
    "not before it": "return [each for each in kinds if not each is Kind.A]",
    "not around it": "sent = not (kind == Kind.A)",
    "all but one, the other way round": "sent = Kind.A is not kind",
    "an order": "return kind >= Kind.A",
    "an answer that is stored": "is_first = kind is Kind.A\nif is_first:\n    stop()\nelse:\n    send()",
    "an answer that is stored, and a ternary": "is_first = kind is Kind.A\nreturn 1 if is_first else 2",
    "an answer as an index": "return (1, 2)[kind is Kind.A]",
    "one after the other": "if kind is Kind.A:\n    stop()\nif kind is Kind.B:\n    send()",
    "either": "return kind is Kind.A or kind is Kind.B",
    "a filter for each": "first = [k for k in kinds if k is Kind.A]\nreturn first or [k for k in kinds if k is Kind.B]",
    "a set of some": "return {kind} & {Kind.A, Kind.B}",
    "all but a set": "return set(kinds) - {Kind.A}",
    "a loop over some": "for kind in (Kind.A, Kind.B):\n    send(kind)",
    "a loop over some rows": "for kind, word in ((Kind.A, 1), (Kind.B, 2)):\n    send(kind, word)",
    "a table in a function": "words = {Kind.A: 1}\nreturn words.get(kind, 2)",
    "a table in a function that is asked": "words = {Kind.A: 1, Kind.B: 2}\nreturn words[kind]",
    "the class as the rest": "match kind:\n    case Kind.A:\n        return 1\n    case Kind():\n        return 2",
    "the class of a value as the rest": "match kind:\n    case Kind.A:\n        go()\n    case str():\n        stop()",
    "a wildcard among others": "match kind:\n    case Kind.A:\n        go()\n    case Kind.B | _:\n        stop()",
    "a wildcard with as": "match kind:\n    case Kind.A:\n        return 1\n    case (_ as it):\n        return it",
    "a wildcard in a pair": "match kind, x:\n    case Kind.A, 1:\n        return 1\n    case _, _:\n        return 2",
    "a guard with else": "if kind is not Kind.A:\n    raise ValueError\nelse:\n    send()",
}
CLOSED = {
    "every case": "match kind:\n    case Kind.A | Kind.B:\n        return 1\n    case Kind.C:\n        return 2",
    "assert_never": "match kind:\n    case Kind.A:\n        send()\n    case _:\n        assert_never(kind)",
    "returned never": "match kind:\n    case Kind.A:\n        go()\n    case it:\n        return assert_never(it)",
    "a wildcard over a word": 'match word:\n    case "y":\n        go()\n    case _:\n        stop()',
    "an if without else": "if kind is Kind.A:\n    count += 1\nsend()",
    "the last word of a block": "if ready:\n    if kind is Kind.A:\n        return 1",
    "a filter": "return [each for each in kinds if each is Kind.A]",
    "an answer": "return kind is Kind.A",
    "a property": "return 1 if kind.is_last else 2",
    "a guard": "if kind is not Kind.A:\n    raise ValueError\nsend()",
    "a guard with a list": "if kind not in (Kind.A, Kind.B) or not ready:\n    raise ValueError\nsend()",
    "an assertion": "assert kind in (Kind.A, Kind.B)",
    "members that are handed on": "return send(Kind.A, Kind.B)",
    "every member in a loop": "for kind in (Kind.C, Kind.B, Kind.A):\n    send(kind)",
    "a table that is handed on": "send({Kind.A: 1, Kind.B: 2})",
    "a pair that names each": "match kind, x:\n    case Kind.A, _:\n        go()\n    case Kind.B, _:\n        go()",
    "one member twice": "first = [k for k in kinds if k is Kind.A]\nreturn kind is Kind.A and first",
    "an if on something else": "if word in WORDS:\n    return Kind.A\nreturn Kind.B",
    "another constant": "return 1 if size > Limits.MOST else 2",
}


def choices_in(body: str) -> list[str]:
    """What is found in a function with this body, beside the enumeration."""
    tree = ast.parse(f"{KIND}\ndef decide(kind, kinds):\n{indent(body, '    ')}\n")
    return [str(finding) for finding in find_open_choices({Path("here.py"): tree})]


@pytest.mark.parametrize("body", OPEN.values(), ids=OPEN)
def test_an_open_choice_is_found(body: str) -> None:
    assert choices_in(body)
    assert all("Kind.A" in found for found in choices_in(body))


@pytest.mark.parametrize("body", CLOSED.values(), ids=CLOSED)
def test_a_closed_choice_passes(body: str) -> None:
    assert choices_in(body) == []


@pytest.mark.parametrize(
    "lines",
    [
        "SOME = (Kind.A, Kind.B)",
        "SOME: frozenset[Kind] = frozenset({Kind.A, Kind.B})",
        'ROWS = ((Kind.A, "x"), (Kind.B, "y"))',
        'TABLES = {"x": {Kind.A: 1, Kind.B: 2}}',
        "class Words:\n    table = {Kind.A: 1}",
        "class Words:\n    some = (Kind.A, Kind.B)",
        "from kinds import Kind as Sort",
        'def decide(kind): return kind.value == "a"',
        'X = "x"\nY = "y"\ndef decide(word): return word in (X, Y)',
        'X = "x"\nY = "y"\nZ = "z"\nTABLE = {X: 1, Y: 2, Z: 3}',
        'def decide(kind): return kind.name in ("A", "B")',
        'match kind.value:\n    case "a":\n        go()\n    case _:\n        stop()',
    ],
)
def test_what_leaves_members_out_in_a_module_is_found(lines: str) -> None:
    """By a list, a table or words that others have to ask, no new member is missed by anybody."""
    assert len(find_open_choices({Path("here.py"): ast.parse(f"{KIND}\n{lines}\n")})) == 1


@pytest.mark.parametrize(
    "lines",
    [
        "ALL = (Kind.C, Kind.A, Kind.B)",
        "SOME = tuple(kind for kind in Kind if kind.is_first)",
        'TABLE = {Kind.A: "x", Kind.B: "y"}',  # whether it is whole is for the check of tables
        'TABLE: Mapping[Kind, str] = MappingProxyType({Kind.A: "x"})',
        "RULES = (Rule(Kind.A, hides={Kind.B, Kind.C}), Rule(Kind.B))",
        'def decide(each): return each.name == "z"',
        "def decide(each): return each.value == 0",
        'X = "x"\ndef decide(word): return word in (X, None)',
    ],
)
def test_what_names_members_and_leaves_none_out_passes(lines: str) -> None:
    assert find_open_choices({Path("here.py"): ast.parse(f"{KIND}\n{lines}\n")}) == []


UNION = """
class One: ...
class Two: ...
class Three: ...
Step = One | Two | Three
"""
ONE_OR_TWO = "match step:\n    case One(Inner(x)):\n        return x\n    case Two() if ready:\n        return 2\n"


def union_choices_in(body: str) -> list[str]:
    """What is found in a function with this body, in a module beside that of a union of classes."""
    tree = ast.parse(f"def decide(step, ready):\n{indent(body, '    ')}\n")
    return [str(each) for each in find_open_choices({Path("there.py"): ast.parse(UNION), Path("here.py"): tree})]


@pytest.mark.parametrize("wildcard", ["_", "other"])
def test_a_wildcard_beside_classes_of_a_union_is_found(wildcard: str) -> None:
    """A class that is added to the union would be handled as the rest, in silence."""
    (found,) = union_choices_in(f"{ONE_OR_TWO}    case {wildcard}:\n        return 3")
    assert found.startswith("here.py:7: `case _` beside One of Step")


@pytest.mark.parametrize(
    "body",
    [
        f"{ONE_OR_TWO}    case Two() | Three():\n        return 3",
        f"{ONE_OR_TWO}    case _:\n        assert_never(step)",
        "match step:\n    case int():\n        go()\n    case str():\n        go()\n    case _:\n        stop()",
        "match step:\n    case One():\n        return 1\n    case _:\n        return 2",
    ],
    ids=["every class", "assert_never", "classes of no union", "one that is picked"],
)
def test_a_match_over_classes_that_is_closed_passes(body: str) -> None:
    assert union_choices_in(body) == []


OPEN_BESIDE_CLASSES = {
    "else": "if isinstance(step, One):\n    stop()\nelse:\n    send()",
    "elif": "if isinstance(step, One):\n    stop()\nelif isinstance(step, Two):\n    send()",
    "a ternary": "return step.x if isinstance(step, One) else None",
    "a ternary beside something else": "return 1 if ready and isinstance(step, One) else 2",
    "a return, then more": "if isinstance(step, One):\n    return 1\nreturn 2",
    "not, and a return": "if not isinstance(step, One):\n    return\nstop()",
    "all but one": "return [each for each in steps if not isinstance(each, One)]",
    "some of them": "return isinstance(step, One | Two)",
    "some of them as a tuple": "return isinstance(step, (One, Two))",
    "a case with a condition": "match ready:\n    case True if isinstance(step, One):\n        go()",
    "a union without a name": "step: Four | Five | Six | None = find()\nreturn 1 if isinstance(step, Four) else 2",
}
CLOSED_BESIDE_CLASSES = {
    "a filter": "return [each for each in steps if isinstance(each, One)]",
    "an if without else": "if isinstance(step, One):\n    step = renew(step)\nsend(step)",
    "an answer": "return isinstance(step, One) and ready",
    "a guard": "if not isinstance(step, One):\n    raise ValueError\nsend()",
    "an assertion": "assert isinstance(step, One)\nsend()",
    "what could not be read": "if isinstance(step, Unknown):\n    return 1\nreturn 2",
    "a union of two": "return 1 if isinstance(step, Seven) else 2",
    "a class of none": "return 1 if isinstance(step, Mapping) else 2",
}
CLASSES = "\n".join(f"class {each}: ..." for each in ("Four", "Five", "Six", "Seven", "Eight", "Unknown"))
OTHER_UNIONS = f"{CLASSES}\nLook = Four | Five | Unknown\nPair = Seven | Eight\n"


def instance_choices_in(body: str) -> list[str]:
    """What is found in a function with this body, beside unions of three classes and one of two."""
    tree = ast.parse(f"def decide(step, steps, ready):\n{indent(body, '    ')}\n")
    sources = {Path("there.py"): ast.parse(UNION), Path("elsewhere.py"): ast.parse(OTHER_UNIONS), Path("here.py"): tree}
    return [str(found) for found in find_open_choices(sources)]


@pytest.mark.parametrize("body", OPEN_BESIDE_CLASSES.values(), ids=OPEN_BESIDE_CLASSES)
def test_isinstance_that_leaves_other_classes_of_a_union_is_found(body: str) -> None:
    assert instance_choices_in(body)
    assert all(".One" in found or ".Four" in found for found in instance_choices_in(body))


@pytest.mark.parametrize("body", CLOSED_BESIDE_CLASSES.values(), ids=CLOSED_BESIDE_CLASSES)
def test_isinstance_that_picks_one_class_passes(body: str) -> None:
    assert instance_choices_in(body) == []


@pytest.mark.parametrize("answer", ["self is Kind.A", "self in (Kind.A, Kind.B)", "self == Kind.A"])
def test_an_enumeration_compares_itself_with_no_member(answer: str) -> None:
    tree = ast.parse(f"{KIND}\n    @property\n    def is_first(self):\n        return {answer}\n")
    assert len(find_open_choices({Path("here.py"): tree})) == 1


def test_a_place_is_named_once_by_file_and_line() -> None:
    tree = ast.parse(f"{KIND}\ndef decide(kind):\n    return 1 if kind in (Kind.A, Kind.B) and kind != Kind.C else 2\n")
    (found,) = find_open_choices({Path("here.py"): tree})
    assert str(found).startswith("here.py:8: `… if … else …` on Kind.A: name every case")


@pytest.mark.parametrize("base", ["Enum", "StrEnum", "IntEnum", "enum.StrEnum"])
def test_every_kind_of_enumeration_is_one(base: str) -> None:
    tree = ast.parse(f'class Kind({base}):\n    """What it is."""\n\n    A = "a"\n    other = 1\n')
    (found,) = find_enumerations({Path("here.py"): tree})
    assert (found.name, dict(found.members)) == ("Kind", {"A": "'a'"})


def test_an_enumeration_without_members_is_a_base_of_others() -> None:
    sources = {
        Path("base.py"): ast.parse('class Status(StrEnum):\n    """A status."""\n'),
        Path("here.py"): ast.parse('class JobStatus(Status):\n    A = "a"\n'),
    }
    assert [found.name for found in find_enumerations(sources)] == ["JobStatus"]


def twin_names(**files: str) -> list[tuple[str, str]]:
    sources = {Path(name.replace("_", "/")): ast.parse(text) for name, text in files.items()}
    return [(one.name, other.name) for one, other in find_twin_enumerations(find_enumerations(sources))]


def test_an_enumeration_that_is_written_twice_is_found() -> None:
    assert twin_names(one=KIND, other=KIND.replace("Kind", "Sort")) == [("Kind", "Sort")]
    assert twin_names(one=KIND, other=KIND) == [("Kind", "Kind")]


def test_what_only_shares_some_words_is_no_twin() -> None:
    assert twin_names(one=KIND, other=KIND.replace("Kind", "Sort") + '    D = "d"\n') == []
    assert twin_names(one='class On(StrEnum):\n    A = "a"\n', other='class Off(StrEnum):\n    A = "a"\n') == []


def test_the_sandbox_has_words_of_its_own_and_writes_them_once() -> None:
    assert twin_names(sandbox_one=KIND, core_two=KIND) == []
    assert twin_names(sandbox_one=KIND, sandbox_two=KIND) == [("Kind", "Kind")]


@pytest.mark.parametrize("words", ['Literal["a", "b", "c"]', '("c", "b", "a")', '["a", "b", "c"]'])
def test_the_values_of_an_enumeration_are_written_once(words: str) -> None:
    sources = {Path("here.py"): ast.parse(KIND), Path("there.py"): ast.parse(f"def f(kind: {words}): ...")}
    assert [found.path.name for found in find_rewritten_enumerations(sources)] == ["there.py"]
    assert find_rewritten_enumerations({**sources, Path("there.py"): ast.parse('WORDS = ("a", "b")')}) == []


def test_the_command_names_each_place_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "here.py").write_text(f"{KIND}\n\ndef decide(kind):\n    return 1 if kind is Kind.A else 2\n")
    (tmp_path / "there.py").write_text(KIND)
    assert main([str(tmp_path)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in told] == [f"{tmp_path}/here.py:9", f"{tmp_path}/there.py:2"]
