"""A run becomes an artefact with a model card."""

import json
import pathlib
from collections import Counter

from cpc_keras import digests
from cpc_keras.checkpoints import load_last_model
from cpc_keras.evaluation.features import pool_view
from cpc_keras.evaluation.label_table import accuracy_rows, at_checkpoint
from cpc_keras.export.saved_model import parameter_count, save
from cpc_keras.run_folder import RunFolder


def export(run, dest):
    """Exports a run's encoder with a model card.

    Args:
        run: Path of the run's folder.
        dest: Folder to write.

    Returns:
        The path of the artefact.

    Raises:
        InputError: If the run has no checkpoint, or `dest` cannot be written.
    """
    folder, dest = RunFolder(run), pathlib.Path(dest)
    recipe = folder.open()
    step, model = load_last_model(folder)
    records = at_checkpoint(folder.records(), step)
    view = preferred_view(records)
    pooling = (lambda grid, whole: pool_view(view, grid, whole)) if view else None
    versions = json.loads(folder.recipe_file.read_text(encoding="utf-8"))["versions"]

    def card(written):
        return _card(dest.name, digests.of_variables(written), recipe, step, model, records, view, versions)

    return save(model, dest, pooling=pooling, card=card)


def preferred_view(records):
    """The view that the encoder's linear probes chose most often, or `None`."""
    chosen = [r["selected"]["view"] for r in records if (r["method"], r["encoder"]) == ("linear", "cpc")]
    return Counter(chosen).most_common(1)[0][0] if chosen else None


def _card(name, digest, recipe, step, model, records, view, versions):
    channels = recipe.channels
    smallest = recipe.patch_size
    other = "three channels are converted to grey" if channels == 1 else "one channel is repeated"
    dim = model.encoder.output_shape[-1]
    return f"""# {name}: a CPC image encoder

Turns images into feature vectors. Pre-trained without labels by Contrastive Predictive Coding with
`cpc_keras` {versions.get("cpc_keras")}; needs TensorFlow alone to be used.

| | |
|---|---|
| input | float32 `[B, H, W, {channels}]`, values in [0, 1]; {other} |
| sizes | any height and width from {smallest} px on; trained on {recipe.crop} × {recipe.crop} px |
| output | float32 `[B, {dim}]`, the mean over patches of {smallest} px at stride {recipe.stride} |
| signatures | {_signatures(view)} |
| encoder | {_encoder(recipe)}, norm {recipe.normalization}, {parameter_count(model):,} weights |
| pre-training | {step:,} steps of {recipe.batch_size} images from `{recipe.data}`, seed {recipe.seed} |
| versions | {", ".join(f"{name} {version}" for name, version in versions.items() if version)} |
| SHA-256 of the variables | `{digest}` |

## Use

```python
import tensorflow as tf
import tensorflow_hub as hub

encoder = hub.load("{name}")
images = tf.zeros([1, {recipe.crop}, {recipe.crop}, {channels}])  # values in [0, 1]
features = encoder(images)  # [1, {dim}]
grid = encoder.signatures["patch_grid"](images)["patch_grid"]
```

`hub.KerasLayer("{name}", trainable=True)` fine-tunes it in tf-keras.

## Figures

{_figures(records, view)}
"""


def _encoder(recipe):
    if recipe.encoder == "resnet":
        return f"resnet of widths {recipe.widths} and blocks {recipe.blocks}"
    return f"{recipe.encoder}, {recipe.stacks} stacks"


def _signatures(view):
    names = ["`serving_default` (the output above)", "`patch_grid`", "`feature_map` (without patches)"]
    return ", ".join(names + ([f"`selected` (`{view}`)"] if view else []))


def _figures(records, view):
    if not records:
        return "This run was not evaluated."
    kind = "Cross-validated accuracy" if records[0]["split"].startswith("cross-validated") else "Test accuracy"
    lines = [
        f"{kind} in %, mean over label subsets. Each subset chose the pooling of its features by",
        f"cross-validation, most often `{view}`, which is the signature `selected`; the mean alone is weaker."
        if view and view != "mean"
        else "cross-validation.",
        "",
    ]
    columns, rows = accuracy_rows(records)
    lines += [
        "| method | " + " | ".join(f"{labels} labels" for labels in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name, cells in rows:
        lines.append(f"| {name} | " + " | ".join(f"{c.mean():.1f}" if len(c) else "–" for c in cells) + " |")
    return "\n".join(lines)
