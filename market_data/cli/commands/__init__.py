"""One module a command, found by scanning: it has a function `command`, or a `typer.Typer` named `app` for a group.

A module is imported when its command is invoked, or asked for its own help. What the list of commands says of it is
read from the first line of its source: "`market-data NAME`: what it does."
"""
