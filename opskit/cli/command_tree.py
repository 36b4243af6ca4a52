"""The command tree: its root, the groups, and the modules that define them. Only the group that a command line names is
imported; help and a misspelt word import none but Typer, so that both take 0.1 s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

from opskit import __version__


def new_group(help_text: str) -> typer.Typer:
    """A Typer app with opskit's defaults: plain help (rich would slow it down) and no formatted tracebacks."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def new_root() -> typer.Typer:
    """A command tree without commands."""
    root = new_group("Check SageMaker quotas before you run, run guarded, and stop what sits idle.")
    root.callback(invoke_without_command=False)(_root_options)
    return root


def _print_version(wanted: bool) -> None:
    if wanted:
        from opskit.output.printing import print_text, standard_output

        print_text(f"opskit {__version__}", standard_output())
        raise typer.Exit


def _root_options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


app = new_root()


@dataclass(frozen=True)
class CommandGroup:
    """The commands under one word: the modules that register them when imported, and the first line of their help.
    Where there are several modules, each has the words of its commands: a command line loads only that of its own.
    """

    modules: Mapping[str, tuple[str, ...]]
    help: str


COMMAND_GROUPS = {
    "quotas": CommandGroup(
        {
            "quotas.cli": ("check", "list"),
            "increases.cli": ("increase", "requests", "wait"),
            "explain.cli": ("explain",),
        },
        "Check, list and increase SageMaker service quotas.",
    ),
    "notebook": CommandGroup(
        {
            "notebooks.cli.list": ("list",),
            "notebooks.cli.keep": ("keep", "unkeep"),
            "notebooks.cli.create": ("create",),
            "notebooks.cli.start": ("start",),
            "notebooks.cli.open": ("open",),
            "notebooks.cli.stop": ("stop",),
        },
        "Create, list, start and stop notebook instances; stop idle ones.",
    ),
    "endpoint": CommandGroup(
        {
            "endpoints.cli.list": ("list",),
            "endpoints.cli.stop": ("stop",),
            "endpoints.cli.start": ("start",),
            "endpoints.cli.keep": ("keep", "unkeep"),
        },
        "List endpoints; protect them, stop idle ones, and start them again.",
    ),
    "workflow": CommandGroup(
        {"training.cli.workflow": ()}, "Write, check, list and show workflows: what to train, on which data."
    ),
    "train": CommandGroup(
        {"training.cli.run": ()}, "Train, transform and score a workflow if quotas and budget allow it."
    ),
    "deploy": CommandGroup({"training.cli.run": ()}, "Deploy a workflow's newest model to an endpoint."),
    "predict": CommandGroup({"training.cli.run": ()}, "Get predictions from a workflow's endpoint."),
    "cleanup": CommandGroup(
        {"training.cli.run": ()}, "Delete what you created with a workflow: endpoint, model, files."
    ),
    "guard": CommandGroup({"guards.cli.run": ()}, "Run a command only if quotas and budget allow its instances."),
    "costs": CommandGroup({"bills.cli": ()}, "List what SageMaker bills now, who owns it, and how to stop it."),
    "mcp": CommandGroup(
        {"assistants.cli.serve": ()}, "Serve coding agents and other assistants (Model Context Protocol)."
    ),
    "fleet": CommandGroup({"fleet.cli.fleet": ()}, "Check quotas, find idle notebooks and sum costs in many accounts."),
    "cron": CommandGroup(
        {
            "schedule.cli.cron": ("show", "install", "remove"),
            "schedule.cli.run": ("run",),
        },
        "Schedule opskit with cron or systemd.",
    ),
    "state": CommandGroup({"kept_state.cli": ()}, "Share opskit's journal and queue between machines, in a table."),
    "history": CommandGroup({"history.cli": ()}, "Show what opskit changed, and what its stops saved."),
    "doctor": CommandGroup({"access.cli.doctor": ()}, "Check credentials, permissions and this machine's set-up."),
    "settings": CommandGroup({"access.cli.settings": ()}, "Show each setting and its source."),
    "iam": CommandGroup({"access.cli.iam": ()}, "The permissions that opskit needs."),
    "sandbox": CommandGroup(
        {"sandbox_cli.commands": ()}, "Run a local AWS for practice, without an account or a bill."
    ),
    "demo": CommandGroup({"demo.cli": ()}, "Run the full workflow end to end against a local AWS."),
    "completion": CommandGroup({"cli.completion": ()}, "Print the completion script for a shell."),
}


_ADD_HERE = "add the module that registers it, and its word, to COMMAND_GROUPS in opskit/cli/command_tree.py"

GUARD_WORDS = ("hook", "install", "remove", "status")
"""The commands that follow ``guard``, which else is one that takes a command of the user's."""

COMPLETE_VARIABLE = "_OPSKIT_COMPLETE"
"""Set by a shell's completion script: opskit is to print how the command line may go on."""


def command_group(name: str) -> typer.Typer:
    """The Typer app of a group, added to the tree, for its commands to be registered on."""
    if name not in COMMAND_GROUPS:
        raise LookupError(f"There is no group '{name}': {_ADD_HERE}.")
    group = new_group(COMMAND_GROUPS[name].help)
    app.add_typer(group, name=name, short_help=COMMAND_GROUPS[name].help)
    return group


def load_for(arguments: Sequence[str]) -> typer.Typer:
    """The part of the tree that a command line needs: the group it names, or only the help texts. Where a shell asks
    how the line may go on, it has told the line in a variable.
    """
    if os.environ.get(COMPLETE_VARIABLE):
        from typer._completion_classes import completion_init

        completion_init()
        # The words so far, of which the first is opskit: bash says them in the one variable, zsh and fish in the other.
        words = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
        arguments = words.split()[1:]
    if tuple(arguments[:1]) == ("guard",) and arguments[1:2] and arguments[1] in GUARD_WORDS:
        return load_guard_words()
    at = next((at for at, argument in enumerate(arguments) if not argument.startswith("-")), None)
    if at is None or arguments[at] not in COMMAND_GROUPS:
        return _help_only()
    return _import_group(arguments[at], arguments[at + 1 : at + 2])


def load_all() -> typer.Typer:
    """The tree with all commands."""
    for name in COMMAND_GROUPS:
        _import_group(name)
    return app


def load_guard_words() -> typer.Typer:
    """The tree of the commands that follow ``guard``."""
    hooks: typer.Typer = import_module("opskit.guards.cli.hooks").hooks_root
    return hooks


def _import_group(name: str, following: Sequence[str] = ()) -> typer.Typer:
    """Import a group; only the module of the command that follows if that is one of its commands."""
    modules = COMMAND_GROUPS[name].modules
    own = [module for module, words in modules.items() if set(following) & set(words)]
    for module in own or modules:
        import_module(f"opskit.{module}")
    order = [word for words in modules.values() for word in words]
    for group in app.registered_groups:
        if group.name == name and order and group.typer_instance:
            registered = group.typer_instance.registered_commands
            if unlisted := {str(command.name) for command in registered} - set(order):
                raise LookupError(f"`opskit {name} {unlisted.pop()}` is registered, and not listed: {_ADD_HERE}.")
            # As the table says, whichever was loaded first.
            registered.sort(key=lambda command: order.index(str(command.name)))
    return app


def _help_only() -> typer.Typer:
    """The groups with their help texts only: enough for help, and to report a misspelt word."""
    menu = new_root()
    for name, command_group in COMMAND_GROUPS.items():
        menu.command(name, help=command_group.help, short_help=command_group.help)(_never_run)
    return menu


def _never_run() -> None:
    """The body of a group's placeholder. It never runs: a command line that names a group gets the group itself."""


def account_runner() -> Callable[..., Any]:
    """What runs a command in several accounts. It knows every feature, and is loaded only for that."""
    runner: Callable[..., Any] = import_module("opskit.fleet.cli.over_accounts").run_over_accounts
    return runner
