"""Docstrings end in `Example:` and what doctest runs, as Keras' do; what reads them for the site knows otherwise."""

import re
import textwrap

import griffe


class Examples(griffe.Extension):
    """Has the example be a section, `Examples:` with what is in it indented."""

    def on_instance(self, *, obj, **kwargs):
        """Called for each object that is read."""
        if obj.docstring:
            before, found, example = obj.docstring.value.partition("\nExample:\n")
            if found:
                text = textwrap.indent(textwrap.dedent(example.strip("\n")), "    ")
                obj.docstring.value = f"{before}\nExamples:\n{re.sub(r'(?m)^ +$', '', text)}"
