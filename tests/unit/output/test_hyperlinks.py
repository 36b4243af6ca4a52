"""URLs are links on terminals that are known to show them, and plain text everywhere else."""

from __future__ import annotations

import io

import pytest

from opskit.output.printing import print_text, shows_hyperlinks


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "shows"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "linux"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "alacritty"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "4902"}, False),
        ({"VTE_VERSION": "5000"}, False),
        ({"VTE_VERSION": "odd"}, False),
        ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.5.10"}, True),
        ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.0.9"}, False),
        ({"TERM_PROGRAM": "vscode", "TERM_PROGRAM_VERSION": "1.95.3"}, True),
        ({"TERM_PROGRAM": "vscode", "TERM_PROGRAM_VERSION": "1.71.0"}, False),
        ({"TERM_PROGRAM": "vscode"}, False),
        ({"TERM_PROGRAM": "WezTerm", "TERM_PROGRAM_VERSION": "20240203-110809-5046fc22"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal", "TERM_PROGRAM_VERSION": "455"}, False),
        ({"WT_SESSION": "a-b"}, True),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, False),
        ({"TERM": "xterm-kitty", "CI": "true"}, False),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb", "VTE_VERSION": "7600"}, False),
        ({"TERM": "xterm-kitty", "FORCE_HYPERLINK": "0"}, False),
        ({"TERM": "xterm", "FORCE_HYPERLINK": "1"}, True),
    ],
)
def test_only_terminals_that_are_known_to_show_links_get_them(environment: dict[str, str], shows: bool) -> None:
    assert shows_hyperlinks(environment) is shows


def test_a_link_ends_where_its_url_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    terminal = FakeTerminal()
    print_text("See https://a.example/x?y=1#/z, (https://b.example/).", terminal)
    link = "\033]8;;{0}\033\\{0}\033]8;;\033\\".format
    assert terminal.getvalue() == f"See {link('https://a.example/x?y=1#/z')}, ({link('https://b.example/')}).\n"


def test_no_link_is_piped_and_none_hides_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    pipe, terminal = io.StringIO(), FakeTerminal()
    print_text("https://a.example/", pipe)
    assert pipe.getvalue() == "https://a.example/\n"
    print_text("https://a.example/\033]8;;https://evil.example\033\\", terminal)
    assert "\033]8;;https://a.example/\\x1b]8" in terminal.getvalue()
    assert "\033]8;;https://evil" not in terminal.getvalue()
