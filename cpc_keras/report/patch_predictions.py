"""The contrastive task, looked at: which patch does the model predict?"""

import dataclasses

import keras
import numpy as np

# How a step ahead moves in the grid, (rows, columns).
_AHEAD = {"down": (1, 0), "up": (-1, 0), "right": (0, 1), "left": (0, -1)}


@dataclasses.dataclass(frozen=True)
class PatchPrediction:
    """One prediction and the patches that it is most like.

    Attributes:
        image: `[H, W, C]`, the image it is about.
        seen: Boolean `[H, W]`, the pixels of the rows (or columns) of patches
            that the context may draw on.
        box: `(top, left, side)` of the true patch in pixels.
        direction: Its direction.
        offset: How many patches ahead it looks.
        true: The true patch, `[p, p, C]`.
        rank: Rank of the true patch among all candidates, from 1.
        candidates: List of `(patch, probability, is_true)`, the likeliest first.
    """

    image: np.ndarray
    seen: np.ndarray
    box: tuple[int, int, int]
    direction: str
    offset: int
    true: np.ndarray
    rank: int
    candidates: list[tuple[np.ndarray, float, bool]]


def predict_patches(model, images, count=6, top=5, seed=0):
    """Has a model predict patches among all those of a batch.

    Args:
        model: A `CPC` model.
        images: Float array `[B, H, W, C]`, values in `[0, 1]`.
        count: Predictions to look at, drawn at random from different images
            while there are enough, directions and offsets in turn, among the
            half of an image's patches that has more contrast.
        top: Candidates to keep of each.
        seed: Whole number.

    Returns:
        A list of `PatchPrediction`.
    """
    images = np.asarray(images, "float32")
    outputs = {name: np.asarray(value, "float32") for name, value in model(images, training=False).items()}
    patches = np.asarray(model.patch_extractor(images))  # [B, rows, cols, p, p, C]
    batch, rows, cols = patches.shape[:3]
    targets = outputs["targets"].reshape(-1, outputs["targets"].shape[-1])
    rng = np.random.default_rng(seed)
    tasks = [(direction, offset) for direction in model.directions for offset in model.offsets]
    order = rng.permutation(batch)
    contrast = patches.reshape(batch * rows * cols, -1).std(axis=1)
    predictions = []
    for number in range(count):
        direction, offset = tasks[number % len(tasks)]
        positives = np.asarray(model.positives(direction, offset, (batch, rows, cols)))
        query = _query(positives, order[number % batch], rows * cols, contrast, rng)
        prediction = outputs[f"{direction}_{offset}"].reshape(-1, targets.shape[-1])[query]
        logits = targets @ prediction
        probabilities = np.asarray(keras.ops.softmax(logits))
        likeliest = np.argsort(-logits, kind="stable")
        true = int(positives[query])
        flat = patches.reshape(-1, *patches.shape[3:])
        predictions.append(
            PatchPrediction(
                image=images[true // (rows * cols)],
                seen=_seen(model, images.shape[1:3], direction, offset, *divmod(true % (rows * cols), cols)),
                box=_box(model, *divmod(true % (rows * cols), cols)),
                direction=direction,
                offset=offset,
                true=flat[true],
                rank=int(np.flatnonzero(likeliest == true)[0]) + 1,
                candidates=[(flat[one], float(probabilities[one]), one == true) for one in likeliest[:top]],
            )
        )
    return predictions


def _query(positives, image, cells, contrast, rng):
    """A prediction about an image whose true patch shows something."""
    of_image = np.flatnonzero(positives // cells == image)
    strength = contrast[positives[of_image]]
    return int(rng.choice(of_image[strength >= np.median(strength)]))


def _box(model, row, col):
    return row * model.stride, col * model.stride, model.patch_size


def _seen(model, size, direction, offset, row, col):
    """Pixels of the patches up to the one from which the prediction is made, in its direction."""
    down, right = _AHEAD[direction]
    top, left, side = _box(model, row - down * offset, col - right * offset)
    seen = np.zeros(size, bool)
    rows = slice(0, top + side) if down > 0 else slice(top, None) if down < 0 else slice(None)
    cols = slice(0, left + side) if right > 0 else slice(left, None) if right < 0 else slice(None)
    seen[rows, cols] = True
    return seen
