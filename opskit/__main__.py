"""Lets `python -m opskit` do what the `opskit` command does, where no script folder is on the PATH."""

from opskit.cli import main

if __name__ == "__main__":
    main()
