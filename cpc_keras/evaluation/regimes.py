"""What networks that learn from labelled and unlabelled images at once are made of, a row of `METHODS` each."""

import dataclasses
import math

from cpc_keras.semi_supervised import (
    UDA,
    VAT,
    Entropy,
    Exemplar,
    FixMatch,
    PseudoLabel,
    Rotation,
    SemiSupervised,
    StrongAugmentation,
)

# What a setting may name of these networks alone, and their defaults: a factor on the weights of all terms, and one on
# the length of VAT's step.
STRENGTHS = {"unlabelled_weight": 1.0, "epsilon": 1.0}
# Results of another version are computed anew.
VERSION = 1
# VAT's step for so many values in [0, 1]; it grows with their root.
_EPSILON, _VALUES = 1.0, 28 * 28
# Step at which VAT takes gradients: bfloat16 rounds smaller ones away.
_XI, _COARSE_XI = 0.1, 1.0


@dataclasses.dataclass(frozen=True)
class Regime:
    """A network that learns from labelled and unlabelled images at once.

    Attributes:
        method: Its name in `METHODS`.
        unlabelled: Unlabelled images a step for each labelled one. Those that are copied
            several times have fewer, so that a step of each regime takes about as long.
        passes: How much longer a step takes than one way of its images through the network,
            forwards and backwards.
        class_weight: Factor on the cross-entropy of the labelled images.
        averaged: Whether its weights are averaged over the last steps.
        is_taught: Whether it is given what was said of the unlabelled images before it is
            trained, where it starts from a pre-trained encoder.
    """

    method: str
    unlabelled: int = 7
    passes: float = 1.0
    class_weight: float = 1.0
    averaged: bool = False
    is_taught: bool = False

    def trainer(self, setting, model, seed):
        """A `SemiSupervised` that trains a model.

        Args:
            setting: As of `cpc_keras.evaluation.classifier.NetworkClassifier`, with a value for
                each of `STRENGTHS`.
            model: A `keras.Model` of an encoder and a classifier on it.
            seed: Whole number.
        """
        _, encoder, head = model.layers
        precise = all(layer.compute_dtype == "float32" for layer in encoder.layers)
        return SemiSupervised(
            encoder,
            head,
            self._terms(setting, model.input_shape[1:], precise),
            strong=StrongAugmentation(seed=seed),
            class_weight=self.class_weight,
            seed=seed,
        )

    def _terms(self, setting, shape, precise):
        weight = setting["unlabelled_weight"]

        def vat(share=1.0):
            epsilon = setting["epsilon"] * _EPSILON * math.sqrt(math.prod(shape) / _VALUES)
            return VAT(share * weight, epsilon, _XI if precise else _COARSE_XI)

        terms = {
            "pseudo_label": lambda: [PseudoLabel(weight)],
            "vat": lambda: [vat()],
            "vat_entropy": lambda: [vat(), Entropy(weight)],
            "uda": lambda: [UDA(weight, annealing="exp")],
            "fixmatch": lambda: [FixMatch(weight)],
            "rotation_joint": lambda: [Rotation(weight)],
            "exemplar_joint": lambda: [Exemplar(weight)],
            "rotation_vat_entropy": lambda: [Rotation(0.4 * weight), vat(0.3), Entropy(0.3 * weight)],
        }
        return terms[self.method]()


# Averages of weights are those of the papers; how many unlabelled images a step has is UDA's and FixMatch's seven where
# a step has one or two copies of each.
REGIMES = {
    one.method: one
    for one in (
        Regime("pseudo_label", is_taught=True),
        Regime("vat", 3, 4.0),
        Regime("vat_entropy", 3, 4.0),
        Regime("uda", 7, 2.2, averaged=True),
        Regime("fixmatch", 7, 2.2, averaged=True),
        Regime("rotation_joint", 2, 4.5),
        Regime("exemplar_joint", 1, 10.0),
        Regime("rotation_vat_entropy", 1, 8.0, class_weight=0.3, averaged=True),
    )
}
