"""An independent NumPy reading of the papers: context networks and loss, location by location.

Written from the published listing, not from this package; no grid is rotated here: each direction is followed on
the grid as it lies. Run it to make `context_and_loss.npz` anew:

    python tests/golden/make_context_and_loss.py
"""

import pathlib

import numpy as np

BATCH, ROWS, COLS, DIM, WIDTH, BLOCKS, TARGET_DIM, SCALE = 2, 7, 6, 6, 4, 5, 4, 0.1
OFFSETS = (2, 3, 4, 5)
# Where a direction looks, and what lies at the left hand of one who looks that way: (rows, columns).
AHEAD = {"down": (1, 0), "up": (-1, 0), "right": (0, 1), "left": (0, -1)}
LEFT_HAND = {"down": (0, 1), "up": (0, -1), "right": (-1, 0), "left": (1, 0)}


def relu(x):
    return np.maximum(x, 0.0)


def seen(grid, i, j):
    """The values at a location, or zeros outside the grid."""
    inside = 0 <= i < ROWS and 0 <= j < COLS
    return grid[:, i, j] if inside else np.zeros((BATCH, grid.shape[-1]))


def context(latents, weights, direction):
    """Residual blocks of 1×1, three sideways, two along (zeros behind the first), 1×1; ReLU after the last block."""
    (ahead_i, ahead_j), (left_i, left_j) = AHEAD[direction], LEFT_HAND[direction]
    out = latents.copy()
    for block in range(BLOCKS):
        w = {
            name: weights[f"{direction}_block{block}_{name}"]
            for name in ("w1", "b1", "w2", "b2", "w3", "b3", "w4", "b4")
        }
        reduced = relu(out @ w["w1"] + w["b1"])
        sideways = np.zeros((BATCH, ROWS, COLS, WIDTH))
        for i in range(ROWS):
            for j in range(COLS):
                for tap in (-1, 0, 1):
                    sideways[:, i, j] += seen(reduced, i + tap * left_i, j + tap * left_j) @ w["w2"][tap + 1]
        sideways += w["b2"]
        along = np.zeros_like(sideways)
        for i in range(ROWS):
            for j in range(COLS):
                behind = seen(sideways, i - ahead_i, j - ahead_j)
                along[:, i, j] = behind @ w["w3"][0] + sideways[:, i, j] @ w["w3"][1] + w["b3"]
        out = out + relu(along) @ w["w4"] + w["b4"]
    return relu(out)


def loss(latents, summary, to_target, predictor, bias, direction, offset):
    """Minus the mean log probability of the true target, query by query."""
    ahead_i, ahead_j = AHEAD[direction]
    places = [(b, i, j) for b in range(BATCH) for i in range(ROWS) for j in range(COLS)]
    candidates = np.stack([latents[place] @ to_target for place in places])
    losses = []
    for b, i, j in places:
        true = (b, i + offset * ahead_i, j + offset * ahead_j)
        if true not in places:
            continue
        scores = candidates @ (SCALE * (summary[b, i, j] @ predictor + bias))
        losses.append(np.log(np.exp(scores).sum()) - scores[places.index(true)])
    return np.mean(losses)


def main():
    rng = np.random.default_rng(2019)
    arrays = {"latents": rng.normal(size=(BATCH, ROWS, COLS, DIM)), "to_target": rng.normal(size=(DIM, TARGET_DIM))}
    for direction in AHEAD:
        for block in range(BLOCKS):
            shapes = ((DIM, WIDTH), (3, WIDTH, WIDTH), (2, WIDTH, WIDTH), (WIDTH, DIM))
            for number, shape in enumerate(shapes, start=1):
                arrays[f"{direction}_block{block}_w{number}"] = 0.4 * rng.normal(size=shape)
                arrays[f"{direction}_block{block}_b{number}"] = 0.4 * rng.normal(size=shape[-1])
        summary = context(arrays["latents"], arrays, direction)
        arrays[f"{direction}_context"] = summary
        for offset in OFFSETS:
            name = f"{direction}_{offset}"
            predictor, bias = rng.normal(size=(DIM, TARGET_DIM)), rng.normal(size=TARGET_DIM)
            arrays |= {f"{name}_predictor": predictor, f"{name}_bias": bias}
            arrays[f"{name}_loss"] = loss(
                arrays["latents"], summary, arrays["to_target"], predictor, bias, direction, offset
            )
    np.savez_compressed(pathlib.Path(__file__).with_name("context_and_loss.npz"), **arrays)


if __name__ == "__main__":
    main()
