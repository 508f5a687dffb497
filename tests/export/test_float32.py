import keras
import numpy as np

from cpc_keras.export.float32 import in_float32
from cpc_keras.optimizers import AveragedAdamW, averages


def test_what_is_exported_has_the_averaged_weights(small_cpc, photo_crops):
    model = small_cpc(dtype="mixed_bfloat16")
    model.compile(AveragedAdamW(0.1, average_decay=0.9), jit_compile=False)
    for _ in range(3):
        model.train_on_batch(photo_crops)
    raw = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    copy = in_float32(model)
    assert copy.encoder.dtype_policy.name == "float32"
    pairs = zip(copy.trainable_weights, averages(model), raw, strict=True)
    for ours, average, own in pairs:
        np.testing.assert_array_equal(ours, average)
        assert np.abs(np.asarray(ours) - own).max() > 0
    for weight, own in zip(model.trainable_weights, raw, strict=True):
        np.testing.assert_array_equal(weight, own)  # the model itself goes on with its own
