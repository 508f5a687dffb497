"""Cross-entropy over many candidates without the matrix of their logits."""

from keras import ops

from cpc_keras.backend.compute import accelerated

# Logits that are held at a time, 2 MiB of float32.
BLOCK_LOGITS = 2**19
# Times as many on an accelerator, where a step of the loop costs much: 330 steps took an H100 11 ms, 42 of them 4 ms.
_ACCELERATED = 8
# Queries of a block all the same: each block reads and writes the gradient of all candidates once.
FEWEST_ROWS = 16


def streamed_cross_entropy(queries, candidates, positives):
    """Cross-entropy of picking a candidate for each query, and which queries pick theirs.

    Equal to a softmax over the rows of the whole `[Q, N]` matrix
    `queries · candidatesᵀ`, of which no more than a few rows ever exist: on the
    way forwards a block of queries leaves its log-sum-exp behind, and on the way
    back its logits are computed anew. Memory beside the arguments and their
    gradients is of the order of `BLOCK_LOGITS + N d`.

    Args:
        queries: Float32 tensor `[Q, d]`.
        candidates: Float32 tensor `[N, d]`.
        positives: Int32 tensor `[Q]`, values in `[0, N)`.

    Returns:
        `(cross_entropy, hits)`, float32 tensors `[Q]`. A hit is 1 where no
        candidate scores higher than the positive; it has no gradient.

    Reference:
        Blocks, and the kept log-sum-exp: Dao et al. 2022, arXiv 2205.14135,
        section 3.1.

    Example:

    >>> import numpy as np
    >>> eye = np.eye(4, dtype="float32")
    >>> loss, hits = streamed_cross_entropy(eye, eye, np.arange(4, dtype="int32"))
    >>> round(float(loss[0]), 4), float(hits[0])
    (0.7437, 1.0)
    """
    queries, candidates = (ops.convert_to_tensor(one, dtype="float32") for one in (queries, candidates))
    positives = ops.convert_to_tensor(positives, dtype="int32")
    count, dim = ops.shape(queries)[0], queries.shape[-1]
    rows = _rows(count, ops.shape(candidates)[0])
    blocks = -(-count // rows)

    def in_blocks(values):
        """`[Q, …]` to `[blocks, rows, …]`, zeros behind."""
        padded = ops.pad(values, [(0, blocks * rows - count), *[(0, 0)] * (len(values.shape) - 1)])
        return ops.reshape(padded, (blocks, rows, *values.shape[1:]))

    def flat(values):
        return ops.reshape(values, (-1, values.shape[-1]))[:count]

    # What a block leaves behind is written into the tensor that the next block is read from. Blocks
    # that did not depend on each other would be worked on ten at a time by TensorFlow.

    @ops.custom_gradient
    def streamed(queries, candidates):
        turned = ops.transpose(candidates)  # [d, N]
        chosen = in_blocks(positives)

        def leave_sums(index, state):
            block = ops.take(state, index, axis=0)[:, :dim]
            logits = ops.matmul(block, turned)  # [rows, N]
            highest = ops.max(logits, axis=-1, keepdims=True)
            total = highest + ops.log(ops.sum(ops.exp(logits - highest), axis=-1, keepdims=True))
            positive = ops.take_along_axis(logits, ops.take(chosen, index, axis=0)[:, None], axis=-1)
            left = ops.concatenate([total, total - positive, ops.cast(positive >= highest, "float32")], axis=-1)
            return index + 1, ops.slice_update(state, (index, 0, dim), left[None])

        _, state = ops.while_loop(
            lambda index, _: index < blocks, leave_sums, (0, in_blocks(ops.pad(queries, ((0, 0), (0, 3)))))
        )
        left = flat(state)[:, dim:]  # [Q, 3]
        total, loss, hit = (left[:, column] for column in range(3))

        def gradient(*arguments, upstream=None):
            weights = (arguments[0] if upstream is None else upstream)[0][:, None]  # [Q, 1]
            totals, block_weights = in_blocks(total), in_blocks(weights)

            def add_block(index, state, of_candidates):
                block, weight = (ops.take(part, index, axis=0) for part in (state, block_weights))
                logits = ops.matmul(candidates, ops.transpose(block))  # [N, rows]
                share = ops.exp(logits - ops.take(totals, index, axis=0))
                of_block = weight * ops.transpose(ops.matmul(turned, share))
                of_candidates = of_candidates + ops.matmul(share, weight * block)
                return index + 1, ops.slice_update(state, (index, 0, 0), of_block[None]), of_candidates

            of_positives = ops.segment_sum(-weights * queries, positives, ops.shape(candidates)[0])
            _, state, of_candidates = ops.while_loop(
                lambda index, *_: index < blocks, add_block, (0, in_blocks(queries), of_positives)
            )
            return flat(state) - weights * ops.take(candidates, positives, axis=0), of_candidates

        return ops.stack([loss, hit]), gradient

    loss, hits = ops.unstack(streamed(queries, candidates), 2)
    return loss, hits


def _rows(queries, candidates):
    """Queries of a block, not more than there are."""
    logits = BLOCK_LOGITS * (_ACCELERATED if accelerated() else 1)
    if isinstance(queries, int) and isinstance(candidates, int):
        return min(queries, max(FEWEST_ROWS, logits // candidates))
    return ops.minimum(queries, ops.maximum(FEWEST_ROWS, logits // candidates))
