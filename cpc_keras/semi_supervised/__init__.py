"""Learning from labelled and unlabelled images at once: one file a loss, and the model that sums them."""

from cpc_keras.semi_supervised.augmentation import StrongAugmentation, WeakAugmentation
from cpc_keras.semi_supervised.entropy import Entropy, entropy
from cpc_keras.semi_supervised.exemplar import Exemplar, exemplar_loss
from cpc_keras.semi_supervised.fixmatch import FixMatch, fixmatch
from cpc_keras.semi_supervised.model import SemiSupervised
from cpc_keras.semi_supervised.pseudo_label import PseudoLabel, given_label, pseudo_label
from cpc_keras.semi_supervised.rotation import Rotation, quarter_turns, rotation_loss
from cpc_keras.semi_supervised.uda import UDA, annealing_threshold, uda
from cpc_keras.semi_supervised.virtual_adversarial import VAT, adversarial_direction

__all__ = [
    "UDA",
    "VAT",
    "Entropy",
    "Exemplar",
    "FixMatch",
    "PseudoLabel",
    "Rotation",
    "SemiSupervised",
    "StrongAugmentation",
    "WeakAugmentation",
    "adversarial_direction",
    "annealing_threshold",
    "entropy",
    "exemplar_loss",
    "fixmatch",
    "given_label",
    "pseudo_label",
    "quarter_turns",
    "rotation_loss",
    "uda",
]
