"""The report's page: HTML that needs nothing from outside."""

import base64
import dataclasses

from cpc_keras.tables import Table, as_html

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
h1, h2, p, li { overflow-wrap: anywhere; }
p.lead { font-size: 1.15rem; }
img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .95rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 9rem; overflow-wrap: anywhere; }
td.best { font-weight: 600; }
tr.ours td:first-child { color: #0072B2; }
.note { color: #666; font-size: .9rem; }
@media (max-width: 40rem) {
  body { margin: 1rem auto; font-size: 15px; } h1 { font-size: 1.35rem; }
  .wide img { max-width: none; width: 44rem; } /* the letters in a picture stay readable; it scrolls sideways */
}
"""


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: Its heading.
        picture: Name of a PNG beside the page, or `None`.
        table: A `Table`, or `None`.
        note: A remark below.
        remark: A sentence above the table that must not be missed, or nothing.
    """

    title: str
    picture: str | None = None
    table: Table | None = None
    note: str = ""
    remark: str = ""


def page(folder, recipe, step, lead, notes, sections):
    """The whole page as text.

    Args:
        folder: The `RunFolder`; pictures are read from its `report` folder.
        recipe: The resolved `Recipe`.
        step: Step of the encoder.
        lead: The finding.
        notes: What to know about the data, a list of sentences.
        sections: List of `Section`.
    """
    say = as_html
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{say(folder.path.name)}: label efficiency</title><style>{_STYLE}</style></head><body>",
        f"<h1>How few labels suffice: {say(recipe.data)}</h1>",
        f'<p class="lead">{say(lead)}</p>',
    ]
    if notes:
        parts.append("<ul>" + "".join(f"<li>{say(note)}</li>" for note in notes) + "</ul>")
    parts.append(
        f'<p class="note">{step:,} steps of {recipe.batch_size} unlabelled images, patches of {recipe.patch_size} px '
        f"at stride {recipe.stride}, directions {say(', '.join(recipe.directions))}, offsets "
        f"{', '.join(map(str, recipe.offsets))}.</p>"
    )
    for section in sections:
        parts.append(f"<h2>{say(section.title)}</h2>")
        if section.remark:
            parts.append(f"<p>{say(section.remark)}</p>")
        if section.table:
            parts.append(f'<div class="wide">{section.table.html()}</div>')
        if section.picture:
            data = base64.b64encode((folder.report / section.picture).read_bytes()).decode()
            parts.append(f'<div class="wide"><img alt="{say(section.title)}" src="data:image/png;base64,{data}"></div>')
        if section.note:
            parts.append(f'<p class="note">{say(section.note)}</p>')
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"
