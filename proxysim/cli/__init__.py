"""The command line: each command reads what it is told, asks the floors below, and prints.

What a command needs is imported when it runs, so that ``proxysim --help`` is quick.
"""

from proxysim.cli.app import app, main

__all__ = ["app", "main"]
