"""What reaches a terminal is text: names of classes and files command nothing there."""

from rich.console import Console

from cpc_keras.errors import printable


class PlainConsole(Console):
    r"""A console that prints what it is given; names may hold brackets, colons and whatever else a file system takes.

    What is no letter is shown as an escape, but for line breaks, which messages have of
    their own.

    Example:

    >>> PlainConsole(width=80).print("[red] :smile: \x1b[31m caf\udce9")
    [red] :smile: \x1b[31m caf\xe9
    """

    def __init__(self, **kwargs):
        super().__init__(highlight=False, soft_wrap=True, markup=False, emoji=False, **kwargs)

    def render_str(self, text, **kwargs):
        return super().render_str(printable(text, keep="\n"), **kwargs)
