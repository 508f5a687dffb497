"""The model card of an artefact, from what the artefact says of itself."""

from cpc_keras.tables import Markdown, Table, as_code, as_markdown

_WHAT = {
    "serving_default": "the output of a call: the mean over patches",
    "patch_grid": "the code of each patch, of the centre that whole patches cover",
    "feature_map": "the encoder's map of the whole image, without patches, for heads and detectors",
    "selected": "the pooling that labelled subsets preferred",
    "features": "`serving_default` of whole images",
    "classify": "a classifier that was trained on few labels, with the names of its classes",
}
# What signatures take, by what the description calls it.
_TAKES = {
    "crops": "`images`, float32 `[B, H, W, {channels}]`, as they are",
    "float32 images": "`images`, float32 `[B, H, W, {accepted}]` in [0, 1], whole",
    "uint8 images": "`images`, uint8 `[B, H, W, {accepted}]`, whole",
    "encoded images": "`encoded`, strings `[B]`: the bytes of files, whole images",
}


# Of a classifier that is no layer on the features.
_OWN_NETWORK = (
    "It is a network of its own (`{method}`), which was trained on from the encoder's weights: the features of the "
    "other signatures are those of the encoder as it was pre-trained. Its probabilities are as the network gives them."
)
# Classes that a card names.
_LISTED = 100


def model_card(description):
    """Text of an artefact's `README.md`.

    Args:
        description: What its `model.json` holds, see `cpc_keras.export.save`.

    Returns:
        Markdown. Each snippet in it runs in the folder that holds the artefact.
    """
    parts = [_head(description), _signatures(description), _figures(description), _use(description)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(description):
    given = description["input"]
    channels, patches = given["channels"], description["patches"]
    other = {1: "; a call converts three channels to grey", 3: "; a call repeats one channel"}.get(channels, "")
    rows = {
        "input": f"float32 `[B, H, W, {channels}]`, values in [0, 1]{other}",
        "sizes": f"any height and width from {given['smallest']} px on",
        "trained on": f"images {_prepared(given)}; the figures below are of the middle",
        "patches": f"{patches['size']} px at stride {patches['stride']}",
        "encoder": f"{description.get('encoder', 'a Keras model')}, {description['weights']:,} weights",
        "pre-training": description.get("pre_training", "not stated"),
        "versions": ", ".join(f"{name} {version}" for name, version in description["versions"].items() if version),
        "SHA-256 of the variables": f"`{description['sha256']}`",
    }
    table = Table(("", ""), left=(0, 1))
    for name, value in rows.items():
        table.add(name, Markdown(value))
    return f"""# {as_markdown(description["name"])}: a CPC image encoder

Turns images into feature vectors. Pre-trained without labels by Contrastive Predictive Coding with
`cpc_keras` {description["versions"]["cpc_keras"]}; needs TensorFlow alone to be used.

{table.markdown()}"""


def _prepared(given):
    resized = f"the short side resized to {given['short_side']} px, then" if given["short_side"] else "not resized,"
    return f"{resized} cut to {given['crop']} × {given['crop']} px"


def _signatures(description):
    table = Table(("signature", "takes", "gives", "what it is"), left=(0, 1, 2, 3))
    channels = description["input"]["channels"]
    accepted = "1 or 3" if channels in (1, 3) else channels
    for name, signature in description["signatures"].items():
        takes = _TAKES[signature["takes"]].format(channels=channels, accepted=accepted)
        outputs = ", ".join(f"`{output}` {_shape(shape)}" for output, shape in signature["outputs"].items())
        pooling = f" (`{description['pooling']}`)" if name == "selected" and "pooling" in description else ""
        what = Markdown(f"{_WHAT[name.removesuffix('_uint8').removesuffix('_encoded')]}{pooling}")
        table.add(Markdown(f"`{name}`"), Markdown(takes), Markdown(outputs), what)
    return "\n\n".join(("## Signatures", table.markdown(), _whole(description), _crops(channels)))


def _whole(description):
    given, signatures = description["input"], description["signatures"]
    names = " and ".join(f"`{name}`" for name in ("features", "classify") if name in signatures)
    shape = f"[{given['crop']}, {given['crop']}, {given['channels']}]"
    files = """
Files may be JPEG, PNG (gray of 16 bits, too), GIF (the first frame) or BMP. The EXIF orientation of JPEG and PNG is
applied, transparency of PNG is laid over white. Whatever else an image may be (WebP, TIFF, AVIF; turned by XMP alone;
a transparent GIF) is to be decoded, turned and laid over white first, and given as uint8."""
    return f"""**Whole images**, of any size, go to {names}, in each of the forms above. They are prepared
there as `cpc-keras predict` prepares them: {_prepared(given)} in the middle,
channels and values converted. Float32 images whose values are multiples of 1/255 count as of 8 bits, others as of 16;
those of exactly `{shape}` count as crops that are ready.{files if "features_encoded" in signatures else ""}"""


def _crops(channels):
    return f"""**Crops** that are ready go to the others: each takes `images` as `[B, H, W, {channels}]` in [0, 1],
of any size, as they are; so do a call and the layers below. What `cpc-keras export` writes for ONNX Runtime and LiteRT
takes crops alone: neither decodes files or multiplies by sparse matrices of integers, as resizing does here."""


def _shape(shape):
    """`[None, 5, 128]` as `[·, 5, 128]`."""
    return f"`[{', '.join('·' if size is None else str(size) for size in shape)}]`"


def _figures(description):
    figures, head = description.get("figures"), description.get("head")
    lines = _tables(figures) if figures else ["No accuracy is stated with this encoder."]
    if head:
        if "accuracy" in head:
            accuracy = f"{head['figure']} {head['accuracy']:.1f} %"
            others = f" and {head['unlabelled']:,} images without labels" if head.get("unlabelled") else ""
            lines += ["", f"`classify` was trained on {head['labels']:,} labels{others}; {accuracy}."]
        if head.get("network"):
            lines += ["", _OWN_NETWORK.format(method=head["method"])]
        if "temperature" in head:
            lines += ["", as_markdown(calibration_words(head))]
        lines += ["", f"Classes of `classify`, in its order: {class_list(head['class_names'])}."]
    return "## Figures\n\n" + "\n".join(lines)


def calibration_words(head):
    """How the probabilities of a head were calibrated, and where its two classes are parted, in sentences.

    Args:
        head: What `model.json` says of it, with `temperature` and `held_out`, and of two
            classes `threshold`.

    Example:

    >>> print(calibration_words({"temperature": 1.0, "held_out": 0}))
    Its probabilities are as they were fitted (temperature 1): no label could be held out to calibrate them by.
    """
    if not head["held_out"]:
        return (
            "Its probabilities are as they were fitted (temperature 1): no label could be held out to calibrate them "
            "by."
        )
    words = (
        f"Its probabilities are calibrated: logits were divided by {head['temperature']:.3g}, the temperature that "
        f"{head['held_out']:,} of these labels asked for while they were held out (Guo et al. 2017, arXiv 1706.04599)."
    )
    return f"{words} {threshold_words(head)}" if head.get("threshold") is not None else words


def threshold_words(head):
    """Where two classes are parted, in a sentence.

    Args:
        head: As of `calibration_words`.

    Example:

    >>> print(threshold_words({"class_names": ["sound", "cracked"], "threshold": 0.31, "held_out": 80}))
    The likelier class is said; with the highest balanced accuracy on 80 labels that were held out, “cracked” is said
    from a probability of 0.31 on.
    """
    return (
        f"The likelier class is said; with the highest balanced accuracy on {head['held_out']:,} labels that were held "
        f"out, “{head['class_names'][1]}” is said from a probability of {head['threshold']:g} on."
    )


def class_list(names):
    """Names of classes in a sentence of Markdown; of very many the first ones.

    Args:
        names: A list of texts.
    """
    listed = ", ".join(map(as_markdown, names[:_LISTED]))
    return listed + (f" and {len(names) - _LISTED:,} more, see `model.json`" if len(names) > _LISTED else "")


def python_text(text):
    """A text as a program in Python has it, on one line.

    Example:

    >>> print(python_text("cats"), python_text('a"b'))
    "cats" 'a"b'
    """
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & set(text) else repr(text)


def _tables(figures):
    signatures = {Markdown(f"`{name}`"): row for name, row in figures["signatures"].items()}
    return [
        f"{figures['name'][0].upper()}{figures['name'][1:]} in %, mean over label subsets, of a linear probe on what "
        "each signature gives (grids and maps are averaged over 3 × 3 areas first):",
        "",
        _figure_table("signature", figures["budgets"], signatures),
        "",
        "The same label subsets, where each subset chose for itself whatever there was to choose:",
        "",
        _figure_table("method", figures["budgets"], figures["methods"]),
    ]


def _figure_table(corner, columns, rows):
    table = Table((corner, *columns))
    for name, row in rows.items():
        table.add(name, *("–" if value is None else f"{value:.1f}" for value in row))
    return table.markdown()


def _use(description):
    name, given = python_text(description["name"]), description["input"]
    classes = description.get("head", {}).get("classes", 10)
    dim = description["signatures"]["serving_default"]["outputs"]["feature_vector"][-1]
    images = f"tf.random.uniform([8, {given['crop']}, {given['crop']}, {given['channels']}])  # yours, values in [0, 1]"
    whole = "classify" if "head" in description else "features"
    files = ""
    if f"{whole}_encoded" in description["signatures"]:
        files = f"""file = tf.io.encode_jpeg(photographs[0])  # or tf.io.read_file("photograph.jpg")
said = encoder.signatures["{whole}_encoded"](encoded=tf.stack([file]))
"""
    gives = ", ".join(f'"{output}": …' for output in description["signatures"][whole]["outputs"])
    return f"""## Use

The snippets run in the folder that holds {as_code(description["name"])}; elsewhere give its path.

TensorFlow alone (`tf.saved_model.load` does the same as `hub.load`):

```python
import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

encoder = hub.load({name})
images = {images}
features = encoder(images)  # [8, {dim}]
maps = encoder.signatures["feature_map"](images)["feature_map"]
photographs = np.zeros([2, 300, 400, {given["channels"]}], "uint8")  # yours, of any size
said = encoder.signatures["{whole}_uint8"](images=photographs)  # {{{gives}}}
{files}```

tf-keras or Keras 2, frozen or, with `trainable=True`, fine-tuned:

```python
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras as keras  # with TensorFlow before 2.16: from tensorflow import keras

images = {images}
labels = tf.range(8) % {classes}
layer = hub.KerasLayer({name}, trainable=True)
model = keras.Sequential([layer, keras.layers.Dense({classes})])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(images, labels, verbose=0)
```

Keras 3; to freeze it, give `trainable=False` and no training endpoint:

```python
import keras
import tensorflow as tf

images = {images}
labels = tf.range(8) % {classes}
layer = keras.layers.TFSMLayer({name}, call_endpoint="serve", call_training_endpoint="serve_train")
model = keras.Sequential([layer, keras.layers.Dense({classes})])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model(images)
model.optimizer.build(model.trainable_variables)  # inside `fit`, Keras 3.15 cannot name what it keeps for them
model.fit(images, labels, verbose=0)
```

KerasHub, and whatever else wants a backbone from images to maps:

```python
import keras
import keras_hub
import tensorflow as tf

images = {images}
labels = tf.range(8) % {classes}
layer = keras.layers.TFSMLayer(
    {name}, call_endpoint="serve_feature_map", call_training_endpoint="serve_feature_map_train"
)
inputs = keras.Input([{given["crop"]}, {given["crop"]}, {given["channels"]}])
backbone = keras.Model(inputs, layer(inputs))
model = keras_hub.models.ImageClassifier(backbone, num_classes={classes}, preprocessor=None)
model.optimizer.build(model.trainable_variables)
model.fit(images, labels, verbose=0)
```"""
