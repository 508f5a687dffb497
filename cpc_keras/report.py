"""One page that a person enjoys: what was learnt, and with how few labels."""

import base64
import html

import numpy as np
import pandas as pd

from cpc_keras.data.image_set import prepare, to_float
from cpc_keras.data.pipeline import encoding_batches
from cpc_keras.data.sources import open_source
from cpc_keras.evaluation.features import EncoderViews, extract
from cpc_keras.evaluation.figures import label_curve, loss_curve, neighbour_grid, patch_grid
from cpc_keras.evaluation.label_table import ROW_NAMES, accuracy_rows
from cpc_keras.exporting import preferred_view
from cpc_keras.label_efficiency import load_last_model, load_records, load_source, open_train_and_test
from cpc_keras.run_folder import RunFolder, write_text

# Images among which neighbours are looked for, and how many are shown.
_GALLERY, _QUERIES, _NEIGHBOURS = 2000, 6, 7

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p.lead { font-size: 1.15rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.note { color: #666; font-size: .9rem; }
"""


def write_report(run, console):
    """Writes `report/index.html`, self-contained, and its PNGs.

    What a run has decides what the page shows: without an evaluation there is
    no label curve.

    Args:
        run: Path of the run's folder.
        console: A `rich.console.Console`.

    Returns:
        The path of the page.

    Raises:
        InputError: If the run has no checkpoint or its images are gone.
    """
    folder = RunFolder(run)
    recipe = folder.open()
    step, model = load_last_model(folder)
    records = load_records(folder)
    images = _gallery(folder, recipe, bool(records))
    sections = []
    if records:
        table = pd.DataFrame(records)
        label_curve(table, ROW_NAMES, folder.report / "label_efficiency.png")
        table.to_csv(folder.report / "label_efficiency.csv", index=False)
        sections.append(("Accuracy by number of labels", "label_efficiency.png", _accuracy_table(records), _CURVE_NOTE))
    loss_curve(pd.read_csv(folder.metrics_file), folder.report / "loss.png")
    sections.append(("Pre-training", "loss.png", "", _LOSS_NOTE))
    _draw_patches(model, images, recipe, folder.report / "patches.png")
    sections.append(("A grid of patches as the encoder sees them", "patches.png", "", _PATCH_NOTE))
    _draw_neighbours(model, images, recipe, preferred_view(records), folder.report / "neighbours.png")
    sections.append(("Nearest neighbours in feature space", "neighbours.png", "", _NEIGHBOUR_NOTE))
    page = folder.report / "index.html"
    write_text(page, _page(folder, recipe, step, records, sections))
    return page


_CURVE_NOTE = (
    "Lines are means over label subsets, bands run from the lowest to the highest. Every choice (pooling, "
    "regularisation, learning rate) was made inside the labelled subset; test images were used for these figures only."
)
_LOSS_NOTE = "Without learning, the loss stays at the dashed line, the logarithm of the number of candidates."
_PATCH_NOTE = "Each patch is encoded by itself; every augmentation is drawn anew for each."
_NEIGHBOUR_NOTE = "Left, in blue, the query; then its neighbours by cosine, nearest first."


def _gallery(folder, recipe, has_labels):
    if has_labels:
        images = open_train_and_test(load_source(folder, recipe), recipe)[1]
    else:
        images = open_source(recipe.data, max_bad_share=recipe.max_bad_share)
        images = prepare(images, recipe.channels, recipe.short_side, recipe.max_bad_share)
    chosen = np.random.default_rng(recipe.seed).permutation(len(images))[:_GALLERY]
    return images.subset(chosen)


def _draw_patches(model, images, recipe, path):
    image = next(iter(encoding_batches(images.subset([0]), 1, recipe.crop)))
    clean = model.patch_extractor(image)
    seen = clean if model.augmentation is None else model.augmentation(clean, training=True)
    patch_grid(np.asarray(image[0]), np.asarray(clean[0]), np.asarray(seen[0]), path)


def _draw_neighbours(model, images, recipe, view, path):
    features = extract(EncoderViews(model), images, recipe.crop)[view or "grid2"]
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    queries = _one_of_each(images)[:_QUERIES]
    nearest = np.argsort(-(features[queries] @ features.T), axis=1)[:, : _NEIGHBOURS + 1]

    def captioned(position):
        image = to_float(images.read(int(position)))
        name = images.class_names[images.labels[position]] if images.labels is not None else ""
        return image, name[:16]

    neighbour_grid([[captioned(position) for position in row] for row in nearest], path)


def _one_of_each(images):
    """Positions of one image of each class first, then of the others."""
    if images.labels is None:
        return np.arange(len(images))
    first = np.unique(images.labels, return_index=True)[1]
    return np.concatenate([first, np.setdiff1d(np.arange(len(images)), first)])


def _accuracy_table(records):
    columns, rows = accuracy_rows(records)
    head = "".join(f"<th>{labels:,} labels</th>" for labels in columns)
    body = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(
            f"<td>{c.mean():.1f} <small>({c.min():.1f}–{c.max():.1f})</small></td>" if len(c) else "<td>–</td>"
            for c in cells
        )
        + "</tr>"
        for name, cells in rows
    )
    return f"<table><tr><th>test accuracy, %</th>{head}</tr>{body}</table>"


def _lead(records):
    """The finding in one sentence."""
    table = pd.DataFrame(records)
    best = table[(table["method"] == "linear") & (table["encoder"] == "cpc")]
    rival = table[(table["method"] == "supervised")]
    if best.empty:
        return ""
    labels = int(best["labels"].min())
    ours = 100 * best.loc[best["labels"] == labels, "top1"].mean()
    sentence = (
        f"With {labels:,} labelled images in all, a linear classifier on the frozen encoder is right on "
        f"{ours:.1f} % of the test images"
    )
    scratch = 100 * rival.loc[rival["labels"] == labels, "top1"].mean() if len(rival) else float("nan")
    if np.isfinite(scratch):
        sentence += f"; the same kind of network trained on these labels alone, on {scratch:.1f} %"
    return sentence + "."


def _page(folder, recipe, step, records, sections):
    lead = _lead(records) if records else "This run was not evaluated with labels."
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(folder.path.name)}: label efficiency</title><style>{_STYLE}</style></head><body>",
        f"<h1>How few labels suffice: {html.escape(recipe.data)}</h1>",
        f'<p class="lead">{html.escape(lead)}</p>',
        f'<p class="note">{step:,} steps of {recipe.batch_size} unlabelled images, patches of {recipe.patch_size} px '
        f"at stride {recipe.stride}, directions {html.escape(', '.join(recipe.directions))}, offsets "
        f"{', '.join(map(str, recipe.offsets))}.</p>",
    ]
    for title, picture, table, note in sections:
        data = base64.b64encode((folder.report / picture).read_bytes()).decode()
        parts.append(
            f"<h2>{html.escape(title)}</h2>{table}"
            f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'
            f'<p class="note">{html.escape(note)}</p>'
        )
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"
