"""The streamed contrastive loss against the whole matrix: memory and time, forwards and backwards.

Each measurement is a process of its own, the two forms in turn. Memory is the peak of the resident size over what was
resident before (the arguments, and a process that had taken a small step already), less what the gradients take.
"""

import json
import os
import subprocess
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table
from rivals.worker import peak_begins, resident

GRID, AHEAD, DIM = 36, 18, 64  # 6 × 6 patches, predictions three rows ahead
REPETITIONS = 5


def measure(form, images):
    """Extra MiB at the peak, seconds of a step, and what came out."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    from cpc_keras.losses.info_nce import _cross_entropy
    from cpc_keras.losses.streaming import streamed_cross_entropy

    losses = {"plain": _cross_entropy, "streamed": streamed_cross_entropy}[form]
    vectors = tf.TensorSpec((None, DIM))

    @tf.function(input_signature=[vectors, vectors, tf.TensorSpec((None,), tf.int32)])
    def step(queries, candidates, positives):
        with tf.GradientTape() as tape:
            tape.watch((queries, candidates))
            loss = tf.reduce_mean(losses(queries, candidates, positives)[0])
        return loss, tape.gradient(loss, (queries, candidates))

    rng = np.random.default_rng(0)
    count, queries = images * GRID, images * AHEAD
    arguments = [
        tf.constant(rng.normal(size=(queries, DIM)) * 0.1, tf.float32),
        tf.constant(rng.normal(size=(count, DIM)), tf.float32),
        tf.constant(rng.integers(0, count, queries), tf.int32),
    ]
    step(arguments[0][:720], arguments[1][:1440], arguments[2][:720] % 1440)
    before = peak_begins()
    seconds = []
    for _ in range(3 if images <= 512 else 1):
        began = time.perf_counter()
        loss, gradients = step(*arguments)
        loss.numpy()
        seconds.append(time.perf_counter() - began)
    extra = resident("VmHWM") - before
    held = (queries + count) * DIM * 4 / 2**20  # the gradients
    norms = [float(tf.norm(gradient)) for gradient in gradients]
    return {"mib": extra - held, "seconds": float(np.median(seconds)), "out": [float(loss), *norms]}


def in_a_process(form, images):
    """`measure` in a fresh process."""
    done = subprocess.run([sys.executable, __file__, form, str(images)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    """Prints the table."""
    titles = ("images", "logits", "plain MiB", "streamed MiB", "plain s", "streamed s", "time ratio", "difference")
    table = Table(*titles, title="InfoNCE, forwards and backwards, one direction")
    for images in (32, 128, 512):
        found = {"plain": [], "streamed": []}
        for _ in range(REPETITIONS):
            for form, results in found.items():
                results.append(in_a_process(form, images))
        mib, seconds = ([[one[name] for one in results] for results in found.values()] for name in ("mib", "seconds"))
        ratios = np.divide(*reversed(seconds))
        one, two = (np.array(results[0]["out"]) for results in found.values())
        table.add_row(
            *(str(images), f"{images * GRID * images * AHEAD:,}"),
            *(f"{np.median(values):.1f} ({min(values):.1f}–{max(values):.1f})" for values in mib),
            *(f"{np.median(values):.3f}" for values in seconds),
            f"{np.median(ratios):.2f} ({ratios.min():.2f}–{ratios.max():.2f})",
            f"{np.max(np.abs(one - two) / np.abs(one)):.0e}",
        )
    alone = in_a_process("streamed", 4096)
    table.add_row("4096", f"{4096 * GRID * 4096 * AHEAD:,}", "", f"{alone['mib']:.0f}", "", f"{alone['seconds']:.0f}")
    Console(width=140).print(table)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
