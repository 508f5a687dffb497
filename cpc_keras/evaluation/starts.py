"""What a pooled head on a pre-trained encoder starts from, where its network is then trained as a whole."""

import collections

import numpy as np

from cpc_keras.evaluation.inputs import ImageInputs
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.evaluation.propagated import PropagatedProbe
from cpc_keras.storage import digests

# Names of the layers of a head of `cpc_keras.models.ClassifierHead` that is one linear layer.
_POOLED = ["maps", "pool", "dropout", "predictions"]
# Pooled features of images without labels, by what they are of: those of the last label subsets.
_FEATURES: collections.OrderedDict[str, np.ndarray] = collections.OrderedDict()
_KEPT = 4


class LinearProbeStart:
    """LP-FT: sets a pooled head to the linear probe on its own features, where fine-tuning then starts.

    Called as `start(model, inputs)`, with a `keras.Model` of one and the same
    encoder, at its weights, and a `ClassifierHead`, and an `ImageInputs`. A ResNet head
    is left as it is. What a probe finds is kept: all settings are given the same folds.

    Reference:
        Kumar et al. 2022, arXiv 2202.10054.
    """

    def __init__(self):
        self._found = {}

    def __call__(self, model, inputs):
        found = _parts(model)
        if found is None:
            return
        backbone, pool, predictions = found
        about = digests.of_json(pool.get_config(), digests.of_lines(inputs.images.ids), digests.of_lines(inputs.labels))
        if about not in self._found:
            self._found[about] = self._layer(backbone, pool, predictions.units, inputs)
        for variable, value in zip((predictions.kernel, predictions.bias), self._found[about], strict=True):
            variable.assign(value)

    def _layer(self, backbone, pool, classes, inputs):
        """`(kernel, bias)`."""
        return LinearProbe().fit({"pooled": _pooled(backbone, pool, inputs)}, inputs.labels).affine(classes)


class PropagatedStart(LinearProbeStart):
    """Sets a pooled head to the layer that learnt from propagated labels, which inputs are told, too.

    `inputs.targets` is what it says of each of their images without labels.

    Reference:
        See `cpc_keras.evaluation.propagated.PropagatedProbe`.
    """

    def __call__(self, model, inputs):
        super().__call__(model, inputs)
        found = _parts(model)
        if found is None:
            return
        backbone, pool, predictions = found
        logits = self._others(backbone, pool, inputs) @ np.array(predictions.kernel) + np.array(predictions.bias)
        inputs.targets = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype("float32")

    def _layer(self, backbone, pool, classes, inputs):
        few, others = _pooled(backbone, pool, inputs), self._others(backbone, pool, inputs)
        known = set(inputs.images.ids)
        unknown = np.array([one not in known for one in inputs.unlabelled.ids])
        probe = PropagatedProbe(shares=inputs.class_shares).fit(
            {"pooled": few}, inputs.labels, {"pooled": others[unknown]}
        )
        return probe.affine(classes)

    def _others(self, backbone, pool, inputs):
        """Pooled features of the images without labels, computed once for all regimes."""
        images = inputs.unlabelled
        about = digests.of_json(digests.of_weights(backbone), pool.get_config(), images.fingerprint, inputs.crop)
        if about not in _FEATURES:
            _FEATURES[about] = _pooled(backbone, pool, ImageInputs(images, inputs.crop))
        _FEATURES.move_to_end(about)
        while len(_FEATURES) > _KEPT:
            _FEATURES.popitem(last=False)
        return _FEATURES[about]


def _parts(model):
    """`(backbone, pool, predictions)` of a network whose head is one linear layer; `None` of another."""
    *_, backbone, head = model.layers
    if [layer.name for layer in head.layers] != _POOLED:
        return None
    return backbone, head.get_layer("pool"), head.get_layer("predictions")


def _pooled(backbone, pool, inputs):
    maps = (pool(backbone(batch, training=False)) for batch in inputs.batches())
    return np.concatenate([np.asarray(pooled) for pooled in maps])
