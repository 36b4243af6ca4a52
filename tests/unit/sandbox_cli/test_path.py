"""What a command inside the sandbox finds on its PATH."""

from __future__ import annotations

import os
import sysconfig

from opskit.sandbox_cli.child_command import with_own_commands

OWN = sysconfig.get_path("scripts")


def test_opskit_itself_is_found_inside_after_all_that_the_user_has() -> None:
    assert with_own_commands({"PATH": "/mine", "HOME": "/h"}) == {"PATH": f"/mine{os.pathsep}{OWN}", "HOME": "/h"}


def test_without_a_path_the_systems_own_stands_before_it() -> None:
    assert with_own_commands({})["PATH"] == f"{os.defpath}{os.pathsep}{OWN}"
