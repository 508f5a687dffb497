"""The list of commands in the order in which they are met, under a heading for each purpose."""

from typing import cast

from typer.core import TyperCommand, TyperGroup


class GroupedCommands(TyperGroup):
    """A Typer application whose help lists commands under the headings that `rich_help_panel` names."""

    def list_commands(self, ctx):
        """In the order in which they were added."""
        return list(self.commands)

    def format_commands(self, ctx, formatter):
        """One section a heading."""
        width = max(map(len, self.commands))
        sections: dict[str, list] = {}
        for name, command in self.commands.items():
            sections.setdefault(str(cast(TyperCommand, command).rich_help_panel), []).append(
                (name.ljust(width), command.get_short_help_str(200))
            )
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)
