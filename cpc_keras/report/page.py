"""The report's page: HTML that needs nothing from outside."""

import base64
import dataclasses
import html

import pandas as pd

from cpc_keras.detection.table import ahead_text, spread_text, trunk_name
from cpc_keras.evaluation.label_table import budgets_of, row_name
from cpc_keras.report.published import PUBLISHED

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.7rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p.lead { font-size: 1.15rem; }
img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .95rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 9rem; }
td.best { font-weight: 600; }
tr.ours td:first-child { color: #0072B2; }
.note { color: #666; font-size: .9rem; overflow-wrap: anywhere; }
li { overflow-wrap: anywhere; }
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
        table: HTML, or nothing.
        note: A remark below.
    """

    title: str
    picture: str | None = None
    table: str = ""
    note: str = ""


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
    say = html.escape
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
        if section.table:
            parts.append(f'<div class="wide">{section.table}</div>')
        if section.picture:
            data = base64.b64encode((folder.report / section.picture).read_bytes()).decode()
            parts.append(f'<div class="wide"><img alt="{say(section.title)}" src="data:image/png;base64,{data}"></div>')
        if section.note:
            parts.append(f'<p class="note">{say(section.note)}</p>')
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def plain_table(head, rows):
    """Text as a table in HTML.

    Args:
        head: Names of the columns.
        rows: List of rows, a list of texts each.

    Example:

    >>> plain_table(["a"], [["<1"]])
    '<table><tr><th>a</th></tr><tr><td>&lt;1</td></tr></table>'
    """
    lines = [("th", head), *(("td", row) for row in rows)]
    body = ["".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) for tag, cells in lines]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in body)}</table>"


def accuracy_table(summary, findings, name):
    """Accuracy by regime and number of labels, and what pre-training is worth.

    Args:
        summary: That of `cpc_keras.evaluation.intervals.Results`.
        findings: As of `cpc_keras.report.findings.find`.
        name: What the figures are called.
    """
    budgets = budgets_of(summary)
    head = "".join(f"<th>{html.escape(budget)}</th>" for budget in budgets.values())
    best = summary.groupby("labels")["mean"].max()
    body = []
    for (method, encoder), group in summary.groupby(["method", "encoder"], sort=False):
        cells = []
        for labels in budgets:
            row = group[group["labels"] == labels]
            if row.empty:
                cells.append("<td>–</td>")
                continue
            row = row.iloc[0]
            mark = ' class="best"' if row["mean"] == best[labels] else ""
            mean, low, high = (f"{100 * row[name]:.1f}" for name in ("mean", "lowest", "highest"))
            cells.append(f"<td{mark}>{mean} <small>({low}–{high})</small></td>")
        mark = ' class="ours"' if encoder == "cpc" else ""
        body.append(f"<tr{mark}><td>{html.escape(row_name(method, encoder))}</td>{''.join(cells)}</tr>")
    for title, texts in (
        ("best CPC regime ahead of the best rival by (95 % interval)", {one.labels: _ahead(one) for one in findings}),
        ("worth, in labels of the supervised network", {one.labels: one.worth_text for one in findings}),
    ):
        if any(texts.values()):
            line = "".join(f"<td>{html.escape(texts.get(labels) or '–')}</td>" for labels in budgets)
            body.append(f"<tr><td>{title}</td>{line}</tr>")
    return f"<table><tr><th>{html.escape(name)}, % (lowest–highest)</th>{head}</tr>{''.join(body)}</table>"


def _ahead(finding):
    if finding.ahead is None:
        return ""
    mean, low, high = (100 * value for value in finding.ahead)
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def detection_rows(summary):
    """Mean average precision by trunk and share of the annotated images.

    Args:
        summary: That of `cpc_keras.detection.table.summarise`.
    """
    budgets = summary.drop_duplicates("fraction").sort_values("fraction")
    head = "".join(f"<th>{row['fraction']:.0%} ({row['images']:,} images)</th>" for _, row in budgets.iterrows())
    body = []
    for trunk, rows in summary.groupby("trunk", sort=False):
        by_fraction = {row["fraction"]: row for _, row in rows.iterrows()}
        mark = ' class="ours"' if str(trunk).startswith("cpc") else ""
        figures = "".join(_cell(by_fraction, fraction, spread_text) for fraction in budgets["fraction"])
        body.append(f"<tr{mark}><td>{html.escape(trunk_name(trunk))}</td>{figures}</tr>")
        if "ahead" in rows and rows["ahead"].notna().any():
            ahead = "".join(_cell(by_fraction, fraction, ahead_text) for fraction in budgets["fraction"])
            body.append(f"<tr><td>ahead of scratch by (95 % interval)</td>{ahead}</tr>")
    return f"<table><tr><th>mAP at an overlap of 0.5, %</th>{head}</tr>{''.join(body)}</table>"


def _cell(rows, fraction, form):
    return f"<td>{form(rows[fraction]) if fraction in rows else '–'}</td>"


def published_table(summary, step):
    """Published ImageNet figures, and below them ours, marked as of other data.

    Args:
        summary: That of `cpc_keras.evaluation.intervals.Results`, of top-1.
        step: Step of the CPC encoder that is reported on.
    """
    rows = [
        f"<tr><td>{html.escape(name)}</td><td>ImageNet</td><td>{labels}</td><td>{_figure(top1)}</td>"
        f"<td>{_figure(top5)}</td></tr>"
        for name, labels, top1, top5 in PUBLISHED
    ]
    ours = summary[(summary["encoder"] == "scratch") | (summary["checkpoint"] == step)]
    for _, row in ours.sort_values("labels").iterrows():
        method = html.escape(row_name(row["method"], row["encoder"]))
        rows.append(
            f'<tr class="ours"><td>{method}</td><td>this run’s images</td>'
            f"<td>{html.escape(row['budget'])}</td><td>{_figure(100 * row['mean'])}</td>"
            f"<td>{_figure(None if pd.isna(row['top5']) else 100 * row['top5'])}</td></tr>"
        )
    return (
        "<p><strong>Different data: the two kinds of rows cannot be compared.</strong> The published ones (Hénaff et "
        "al. 2019, arXiv 1905.09272) are of ImageNet’s 1,000 classes and much larger networks; they show how the gap "
        "between pre-training and supervision behaves, not what to expect here.</p>"
        "<table><tr><th>method</th><th>images</th><th>labels</th><th>top-1, %</th><th>top-5, %</th></tr>"
        f"{''.join(rows)}</table>"
    )


def _figure(value):
    return "–" if value is None else f"{value:.1f}"
