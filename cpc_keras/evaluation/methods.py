"""The methods that learn from few labels, one row each; reading them wakes neither Keras nor TensorFlow."""

import dataclasses
import importlib

from cpc_keras.errors import InputError

# How a setting came about that was not chosen inside the labels at hand: what `cpc-keras tune` found, and the default
# that it is compared with; in words.
KINDS = {"tuned": "tuned", "default": "default setting"}


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to make a classifier of an encoder and a few labels.

    Attributes:
        name: As options and records have it.
        words: What tables call it, on the CPC encoder.
        fits: What is fitted: a `"probe"` of scikit-learn, or a `"network"`.
        starts_from: What of the encoder it is given: `"frozen features"`, `"frozen
            maps"`, `"pre-trained weights"`, `"new weights"` for its architecture alone, or
            `"either weights"` for whichever of these is asked for.
        probe: Of a probe, `"module:Class"` in `cpc_keras.evaluation`.
        arguments: Those of the class.
        needs_unlabelled: Whether it looks at some images without labels, for the scale
            of each feature.
        needs_pool: Whether it learns from images without labels, thousands of them.
        default: When it is evaluated without being asked for: `"always"`, `"test split"`
            (where figures are not cross-validated, which takes five times as long), or
            `"no"`.
        cpc_only: Whether it is defined for CPC encoders alone.
        color: Of its line in pictures, on the CPC encoder; the encoder's if `None`.
        line: Matplotlib's style of its line.
        marker: Matplotlib's marker of its points.
    """

    name: str
    words: str
    fits: str
    starts_from: str
    probe: str | None = None
    arguments: dict = dataclasses.field(default_factory=dict)
    needs_unlabelled: bool = False
    needs_pool: bool = False
    default: str = "no"
    cpc_only: bool = False
    color: str | None = None
    line: str = "-"
    marker: str = "x"

    def new_probe(self, seed):
        """The probe, not fitted.

        Args:
            seed: Whole number.
        """
        module, name = str(self.probe).split(":")
        return getattr(importlib.import_module(f"cpc_keras.evaluation.{module}"), name)(seed=seed, **self.arguments)


def _joint(name, words, **kwargs):
    return Method(name, words, "network", "either weights", needs_pool=True, **kwargs)


def _probe(name, words, probe, **kwargs):
    return Method(name, words, "probe", "frozen features", probe, needs_unlabelled=True, **kwargs)


METHODS = {
    method.name: method
    for method in (
        _probe("linear", "frozen, linear probe", "probes:LinearProbe", default="always", marker="o"),
        _probe(
            "linear_v1",
            "frozen, linear probe on the mean (v1)",
            "probes:LinearProbe",
            arguments={"poolings": ("mean",)},
            cpc_only=True,
            line=":",
        ),
        _probe(
            "linear_v2",
            "frozen, linear probe on every location (v2)",
            "probes:LinearProbe",
            arguments={"poolings": ("locations",)},
            cpc_only=True,
            line=":",
        ),
        _probe("knn", "frozen, kNN", "probes:KNNProbe", default="always", color="#56B4E9", line="--", marker="v"),
        _probe(
            "prototype",
            "frozen, nearest class mean",
            "prototype:PrototypeProbe",
            color="#009E73",
            line="--",
            marker="^",
        ),
        _probe(
            "propagated",
            "frozen, propagated labels",
            "propagated:PropagatedProbe",
            needs_pool=True,
            color="#E69F00",
            marker="*",
        ),
        _probe(
            "graph",
            "frozen, neighbours on the graph",
            "propagated:PropagatedProbe",
            arguments={"by": "graph"},
            needs_pool=True,
            color="#E69F00",
            line=":",
            marker="*",
        ),
        _probe("svm", "frozen, linear SVM", "svm:SVMProbe", color="#CC79A7", line="-.", marker="<"),
        Method(
            "finetune",
            "fine-tuned",
            "network",
            "pre-trained weights",
            default="test split",
            color="#003A5C",
            marker="D",
        ),
        Method(
            "resnet",
            "frozen, ResNet head",
            "network",
            "frozen maps",
            default="test split",
            color="#4C6FD1",
            marker="P",
        ),
        Method("supervised", "supervised from scratch", "network", "new weights", default="test split", marker="s"),
        _joint("pseudo_label", "pseudo-label", color="#999933", line=":", marker="1"),
        _joint("vat", "VAT", color="#AA4499", line=":", marker="2"),
        _joint("vat_entropy", "VAT + entropy", color="#AA4499", line="--", marker="3"),
        _joint("uda", "UDA", color="#117733", line="--", marker="4"),
        _joint("fixmatch", "FixMatch", color="#117733", line=":", marker="+"),
        _joint("rotation_joint", "joint training with rotation", color="#882255", line="--", marker="|"),
        _joint("exemplar_joint", "joint training with exemplars", color="#882255", line=":", marker="_"),
        _joint("rotation_vat_entropy", "rotation + VAT + entropy", color="#661100", line="-.", marker="p"),
    )
}
PROBES = tuple(name for name, method in METHODS.items() if method.fits == "probe")
NETWORKS = tuple(name for name, method in METHODS.items() if method.fits == "network")
# Networks that learn from labelled and unlabelled images at once.
JOINT = tuple(name for name, method in METHODS.items() if method.starts_from == "either weights")
# Where these start: the encoder's weights, new ones, or one after the other.
STARTS = {"cpc": ("cpc",), "scratch": ("scratch",), "both": ("cpc", "scratch")}
# A name for methods that learn representations, propagate labels, or both, and how many minutes each of the last
# may take: with two budgets and three label subsets they end within an hour on two cores.
TWO_KINDS, SET_OF_TWO_KINDS, MINUTES = (
    "two_kinds",
    ("linear", "propagated", "finetune", "supervised", "pseudo_label", "vat_entropy", "fixmatch"),
    2.0,
)
# What `cpc-keras tune` searches settings of: classifiers on frozen features, and the networks.
SEARCHED = ("linear", "propagated", *NETWORKS)
# Probes that come to one linear layer, which an export takes along.
LAYERS = ("linear", "propagated")
# And networks that start from the encoder, which an export takes along as they are.
EXPORTED = (*LAYERS, "finetune", *JOINT)
# What records call the encoder of a network from new weights.
SCRATCH = "scratch"
ENCODER_WORDS = {
    "cpc": "CPC",
    "untrained": "untrained encoder",
    "pixels": "raw pixels",
    "handmade": "handmade features",
}


def check_methods(names):
    """Raises `InputError` unless names are of `METHODS`, at least one; `None` stands for the default."""
    if names is not None and (not names or not set(names) <= set(METHODS)):
        raise InputError(f"`--methods` must be names out of {','.join(METHODS)}. Received: {','.join(names)}")


def default_methods(crossed):
    """Names of the methods that are evaluated without being asked for.

    Args:
        crossed: Whether figures are cross-validated.

    Example:

    >>> default_methods(crossed=True)
    ('linear', 'knn')
    """
    wanted = ("always",) if crossed else ("always", "test split")
    return tuple(name for name, method in METHODS.items() if method.default in wanted)


def method_and_kind(name):
    """`(method, kind)` of a name in the records: `"tuned"` or `"default"`, or `None` where it chose its setting itself.

    Example:

    >>> method_and_kind("linear_tuned"), method_and_kind("linear_v1")
    (('linear', 'tuned'), ('linear_v1', None))
    """
    method, _, kind = name.rpartition("_")
    return (method, kind) if kind in KINDS else (name, None)


def row_name(name, encoder):
    """What a row of a table is called.

    Args:
        name: Of the method, as in the records.
        encoder: Name of the encoder, as in the records.

    Example:

    >>> row_name("linear", "cpc"), row_name("knn", "pixels"), row_name("supervised", "scratch")
    ('CPC, frozen, linear probe', 'raw pixels, kNN', 'supervised from scratch')
    >>> row_name("linear_tuned", "cpc")
    'CPC, frozen, linear map, tuned'
    >>> row_name("vat", "cpc"), row_name("vat", "scratch")
    ('CPC, VAT', 'VAT from scratch')
    """
    method, kind = method_and_kind(name)
    if kind:
        return f"{row_name(method, encoder).replace('linear probe', 'linear map')}, {KINDS[kind]}"
    words = METHODS[method].words
    if METHODS[method].starts_from == "new weights":
        return words
    if encoder == SCRATCH:
        return f"{words} from scratch"
    words = words if encoder == "cpc" else words.removeprefix("frozen, ")
    return f"{ENCODER_WORDS.get(encoder, encoder)}, {words}"


def rank(name):
    """Where a name of the records stands among others: methods in the order of `METHODS`, kinds behind."""
    method, kind = method_and_kind(name)
    places = list(METHODS)
    return (places.index(method) if method in places else len(places)), kind or "", name
