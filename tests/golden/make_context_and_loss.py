"""An independent NumPy reading of the papers: context network and loss, loop by loop.

Written from the published listing, not from this package. Run it to make `context_and_loss.npz` anew:

    python tests/golden/make_context_and_loss.py
"""

import pathlib

import numpy as np

BATCH, ROWS, COLS, DIM, WIDTH, BLOCKS, TARGET_DIM, OFFSET, SCALE = 2, 4, 3, 6, 5, 2, 4, 2, 0.1


def relu(x):
    return np.maximum(x, 0.0)


def context(latents, weights):
    """Residual blocks of 1×1, 1×3, zero row on top, 2×1 and 1×1 convolutions, location by location."""
    out = latents.copy()
    for block in range(BLOCKS):
        w = {name: weights[f"block{block}_{name}"] for name in ("w1", "b1", "w2", "b2", "w3", "b3", "w4", "b4")}
        reduced = relu(out @ w["w1"] + w["b1"])
        along = np.zeros((BATCH, ROWS, COLS, WIDTH))
        for j in range(COLS):
            for step in (-1, 0, 1):
                if 0 <= j + step < COLS:
                    along[:, :, j] += reduced[:, :, j + step] @ w["w2"][step + 1]
        along += w["b2"]
        below = np.zeros_like(along)
        for i in range(ROWS):
            above = along[:, i - 1] if i else np.zeros((BATCH, COLS, WIDTH))
            below[:, i] = above @ w["w3"][0] + along[:, i] @ w["w3"][1] + w["b3"]
        out = out + relu(below) @ w["w4"] + w["b4"]
    return relu(out)


def loss(latents, summary, to_target, predictor, bias):
    """Minus the mean log probability of the true target, query by query."""
    total, queries = 0.0, 0
    candidates = [latents[b, i, j] @ to_target for b in range(BATCH) for i in range(ROWS) for j in range(COLS)]
    for b in range(BATCH):
        for i in range(ROWS - OFFSET):
            for j in range(COLS):
                guess = SCALE * (summary[b, i, j] @ predictor + bias)
                scores = [float(guess @ candidate) for candidate in candidates]
                true = (b * ROWS + i + OFFSET) * COLS + j
                total -= scores[true] - np.log(sum(np.exp(score) for score in scores))
                queries += 1
    return total / queries


def main():
    rng = np.random.default_rng(2019)
    weights = {}
    for block in range(BLOCKS):
        for number, shape in enumerate(((DIM, WIDTH), (3, WIDTH, WIDTH), (2, WIDTH, WIDTH), (WIDTH, DIM)), start=1):
            weights[f"block{block}_w{number}"] = 0.5 * rng.normal(size=shape)
            weights[f"block{block}_b{number}"] = 0.5 * rng.normal(size=shape[-1])
    latents = rng.normal(size=(BATCH, ROWS, COLS, DIM))
    to_target = rng.normal(size=(DIM, TARGET_DIM))
    predictor, bias = rng.normal(size=(DIM, TARGET_DIM)), rng.normal(size=TARGET_DIM)
    summary = context(latents, weights)
    np.savez(
        pathlib.Path(__file__).with_name("context_and_loss.npz"),
        latents=latents,
        to_target=to_target,
        predictor=predictor,
        bias=bias,
        context=summary,
        loss=loss(latents, summary, to_target, predictor, bias),
        **weights,
    )


if __name__ == "__main__":
    main()
