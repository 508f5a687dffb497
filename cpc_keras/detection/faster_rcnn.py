"""Faster R-CNN on any encoder's map."""

import keras
from keras import layers, ops

from cpc_keras.detection import targets as coding
from cpc_keras.detection.anchors import base_anchors, lay_anchors
from cpc_keras.detection.box_head import BoxHead
from cpc_keras.detection.proposals import detect, propose
from cpc_keras.detection.region_features import roi_align
from cpc_keras.layers.patch_draws import PatchDraws
from cpc_keras.models.step import TrainingStep

# What deltas of the second stage are divided by, so that they are about as large as logits.
_VARIANCE = (0.1, 0.1, 0.2, 0.2)
# Overlaps: of an anchor that is background and one that is an object, of a proposal that is an object.
_LOW, _HIGH, _OBJECT = 0.3, 0.7, 0.5
# The class of objects that are neither learnt from nor background.
_NEITHER = -2
_PARTS = ("rpn_object", "rpn_box", "class", "box")
# A side that every stride in use divides.
_PROBE = 512


@keras.saving.register_keras_serializable(package="cpc_keras")
class FasterRCNN(TrainingStep, keras.Model):
    """Faster R-CNN in its C4 form, with any encoder as the trunk.

    The trunk, unpatched, turns an image into a map. On it a region proposal
    network (RPN) says where objects may be; the features of each proposal are
    cut out (`roi_align`) and go through a residual head, which names the class
    and mends the box, for each class by itself.

    Args:
        trunk: A `keras.Model` from `[B, H, W, C]`, values in `[0, 1]` and free
            height and width, to a map `[B, h, w, D]`. Its stride is read off
            shapes.
        classes: Number of classes, background not counted.
        anchor_sizes: Sides in pixels of the square with an anchor's area.
        anchor_ratios: Heights over widths of anchors.
        rpn_width: Channels of the RPN's convolution.
        roi_size: Side of the features of a proposal; the head halves it.
        head_blocks: Residual blocks of the head.
        head_width: Its channels.
        head_bottleneck: Channels inside a block, `None` for two 3×3
            convolutions.
        normalization: `"layer"`, `"batch"` or `"none"`, of the head.
        freeze_trunk: Whether the trunk stays as it is.
        candidates: Boxes that the RPN hands to its non-maximum suppression, in
            training and otherwise.
        proposals: Boxes that are left of them.
        rpn_batch: Anchors of an image that the RPN learns from at a step, at most
            half of them with an object.
        roi_batch: Proposals of an image that the head learns from (not more than
            there are), at most a quarter with an object.
        score_threshold: Detections of a lower score are dropped.
        overlap_threshold: Of two detections of a class with a larger
            intersection over union the weaker one is dropped.
        max_detections: Detections of an image, at most.
        seed: Seed of what is sampled: a function of seed, step and the image's
            place in the global batch.

    Call arguments:
        images: Float tensor `[B, H, W, C]` in `[0, 1]`.
        sizes: Heights and widths `[B, 2]` of images that were padded below and to
            the right; the whole if `None`.

    Returns:
        `call` (and so `predict`) returns a dictionary of detections, the best
        first: `"boxes"` `[B, max_detections, 4]`, left, top, right and bottom in
        pixels; `"scores"` `[B, max_detections]` in `[0, 1]`; `"classes"`, int32
        likewise, -1 where there are no more; `"count"` `[B]`.

    `fit` and `evaluate`, which need the TensorFlow backend, take batches of images
    and a dictionary: `"boxes"` `[B, M, 4]`; `"classes"` `[B, M]`, -1 for what fills up
    and -2 for objects that are neither learnt from nor background; and perhaps
    `"sizes"`.

    Raises:
        ValueError: If the trunk does not turn images of any size into maps.

    Reference:
        Ren et al. 2015, arXiv 1506.01497; He et al. 2017, arXiv 1703.06870
        (RoIAlign); on a CPC trunk Hénaff et al. 2019, arXiv 1905.09272.

    Example:

    >>> import numpy as np
    >>> from cpc_keras.models import ResNet
    >>> trunk = ResNet((8, 16), (1, 1), stem="medium")
    >>> detector = FasterRCNN(trunk, classes=3, anchor_sizes=(16,), rpn_width=8, roi_size=4, head_blocks=1,
    ...                       head_width=16, head_bottleneck=None, candidates=(64, 64), proposals=(32, 16))
    >>> detector.compile("adam")
    >>> images = np.random.default_rng(0).uniform(size=(2, 48, 64, 3)).astype("float32")
    >>> labels = {"boxes": np.array([[[8.0, 8, 24, 30]], [[0.0, 0, 20, 20]]]), "classes": np.array([[2], [0]])}
    >>> history = detector.fit(images, labels, epochs=1, verbose=0)
    >>> sorted(history.history)
    ['box_loss', 'class_loss', 'loss', 'rpn_box_loss', 'rpn_object_loss']
    >>> detector.predict(images, verbose=0)["boxes"].shape
    (2, 100, 4)
    """

    def __init__(
        self,
        trunk,
        classes,
        anchor_sizes=(128, 256, 512),
        anchor_ratios=(0.5, 1.0, 2.0),
        rpn_width=512,
        roi_size=14,
        head_blocks=3,
        head_width=2048,
        head_bottleneck=512,
        normalization="layer",
        freeze_trunk=False,
        candidates=(12000, 6000),
        proposals=(2000, 300),
        rpn_batch=256,
        roi_batch=128,
        score_threshold=0.05,
        overlap_threshold=0.3,
        max_detections=100,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # sizes and boxes stay in float32
        self.trunk = trunk
        self.classes = classes
        self.anchor_sizes = tuple(anchor_sizes)
        self.anchor_ratios = tuple(anchor_ratios)
        self.rpn_width = rpn_width
        self.roi_size = roi_size
        self.head_blocks = head_blocks
        self.head_width = head_width
        self.head_bottleneck = head_bottleneck
        self.normalization = normalization
        self.freeze_trunk = freeze_trunk
        self.candidates = tuple(candidates)
        self.proposals = tuple(proposals)
        self.rpn_batch = rpn_batch
        self.roi_batch = roi_batch
        self.score_threshold = score_threshold
        self.overlap_threshold = overlap_threshold
        self.max_detections = max_detections
        self.seed = seed

        self.stride, depth = stride_and_depth(trunk)
        if freeze_trunk:
            trunk.trainable = False
        anchors = len(self.anchor_sizes) * len(self.anchor_ratios)
        small = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01), "dtype": self.dtype_policy}
        self.rpn = layers.Conv2D(rpn_width, 3, padding="same", activation="relu", name="rpn", **small)
        self.rpn_object = layers.Conv2D(anchors, 1, name="rpn_object", **small)
        self.rpn_box = layers.Conv2D(4 * anchors, 1, name="rpn_box", **small)
        self.head = BoxHead(
            (roi_size, roi_size, depth),
            classes,
            head_blocks,
            head_width,
            head_bottleneck,
            normalization,
            dtype=self.dtype_policy,
        )
        self._trackers = {name: keras.metrics.Mean(name=f"{name}_loss") for name in _PARTS}
        self.build(trunk.input_shape)

    def build(self, input_shape):
        depth = self.head.input_shape[-1]
        self.rpn.build((None, None, None, depth))
        self.rpn_object.build((None, None, None, self.rpn_width))
        self.rpn_box.build((None, None, None, self.rpn_width))
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="step", aggregation="only_first_replica"
        )

    def call(self, images, sizes=None, training=False):
        first = self._first_stage(images, sizes, training)
        boxes = self._propose(first, training)  # [B, R, 4]
        logits, deltas = self._second_stage(first["maps"], boxes, training)
        mended = coding.decode(boxes[:, :, None], deltas, _VARIANCE)  # [B, R, K, 4]
        flat = coding.clip(ops.reshape(mended, (-1, boxes.shape[1] * self.classes, 4)), first["sizes"])
        mended = ops.reshape(flat, (-1, boxes.shape[1], self.classes, 4))
        real = ops.cast(boxes[..., 2:3] > boxes[..., 0:1], "float32")  # there may be fewer proposals
        scores = ops.softmax(logits)[..., 1:] * real  # class 0 is background
        return detect(mended, scores, self.overlap_threshold, self.score_threshold, self.max_detections)

    def respond(self, images, labels, training):
        """What the loss is taken of: both stages, with what each of them is to say."""
        first = self._first_stage(images, labels.get("sizes"), training)
        true_boxes, true_classes = ops.cast(labels["boxes"], "float32"), ops.cast(labels["classes"], "int32")
        truth = {"boxes": true_boxes, "classes": true_classes}
        draws = self._draw(first, training)
        rpn = self._rpn_targets(first, truth, draws)
        boxes = ops.concatenate([self._propose(first, training), true_boxes], axis=1)
        count = min(self.roi_batch, self.proposals[0 if training else 1])
        rois = self._roi_targets(boxes, truth, count, draws)
        logits, deltas = self._second_stage(first["maps"], rois["boxes"], training)
        return {
            "objectness": first["objectness"],
            "rpn_deltas": first["deltas"],
            **rpn,
            "logits": logits,
            "deltas": deltas,
            "roi_classes": rois["classes"],
            "roi_deltas": rois["deltas"],
            "roi_sampled": rois["sampled"],
        }

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of four losses, each the mean over images of what an image's sample says."""
        found = y_pred
        sampled = ops.cast(found["rpn_sampled"], "float32")
        objects = ops.cast(found["rpn_objects"], "float32")
        of_object = keras.losses.binary_crossentropy(
            objects[..., None], found["objectness"][..., None], from_logits=True
        )
        of_shift = _smooth_l1(found["rpn_deltas"] - found["rpn_targets"], 1.0 / 9.0)
        roi_sampled = ops.cast(found["roi_sampled"], "float32")
        true_class = found["roi_classes"]  # 0 is background
        of_class = keras.losses.sparse_categorical_crossentropy(true_class, found["logits"], from_logits=True)
        place = ops.maximum(true_class - 1, 0)
        own = ops.one_hot(place, self.classes, dtype="float32")[..., None]  # [B, R, K, 1]
        of_box = _smooth_l1(ops.sum(found["deltas"] * own, axis=2) - found["roi_deltas"], 1.0)
        is_object = ops.cast(true_class > 0, "float32")
        parts = {
            "rpn_object": _share(of_object, sampled, sampled),
            "rpn_box": _share(of_shift, sampled * objects, sampled),
            "class": _share(of_class, roi_sampled, roi_sampled),
            "box": _share(of_box, roi_sampled * is_object, roi_sampled),
        }
        batch = ops.shape(sampled)[0]
        for name, part in parts.items():
            self._trackers[name].update_state(part, sample_weight=batch)
        return sum(parts.values()) + sum(ops.cast(ops.sum(loss), "float32") for loss in self.losses)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()

    def _first_stage(self, images, sizes, training):
        images = ops.convert_to_tensor(images)
        batch, height, width, _ = ops.shape(images)
        if sizes is None:
            sizes = ops.tile(ops.cast(ops.stack([height, width]), "float32")[None], (batch, 1))
        # Whole strides, so that every map lies on its image alike.
        images = ops.pad(images, ((0, 0), (0, -height % self.stride), (0, -width % self.stride), (0, 0)))
        maps = self.trunk(images, training=training and not self.freeze_trunk)
        rows, cols = ops.shape(maps)[1:3]
        seen = self.rpn(maps)
        anchors = lay_anchors(rows, cols, self.stride, base_anchors(self.anchor_sizes, self.anchor_ratios))
        return {
            "maps": maps,
            "sizes": ops.cast(sizes, "float32"),
            "anchors": anchors,
            "objectness": ops.cast(ops.reshape(self.rpn_object(seen), (batch, -1)), "float32"),
            "deltas": ops.cast(ops.reshape(self.rpn_box(seen), (batch, -1, 4)), "float32"),
        }

    def _propose(self, first, training):
        boxes = coding.clip(coding.decode(first["anchors"], first["deltas"]), first["sizes"])
        place = 0 if training else 1
        return propose(boxes, first["objectness"], self.candidates[place], self.proposals[place], _HIGH)

    def _second_stage(self, maps, boxes, training):
        """Logits `[B, R, K + 1]` and deltas `[B, R, K, 4]` of boxes."""
        regions = roi_align(maps, boxes, self.stride, self.roi_size)  # [B, R, S, S, D]
        batch, count = ops.shape(regions)[:2]
        logits, deltas = self.head(ops.reshape(regions, (-1, *regions.shape[2:])), training=training)
        return (
            ops.reshape(logits, (batch, count, self.classes + 1)),
            ops.reshape(deltas, (batch, count, self.classes, 4)),
        )

    def _draw(self, first, training):
        """Function from a name and a number of boxes to random numbers `[B, boxes]`."""
        step = self.step + 0
        if training:
            self.step.assign(step + 1)
        batch = ops.shape(first["objectness"])[0]
        first_image = self.first_image(batch)

        def draw(name, count):
            draws = PatchDraws(self.seed, step, batch, 1, count, first_image)
            return ops.reshape(draws.uniform(name, 0.0, 1.0), (batch, count))

        return draw

    def _rpn_targets(self, first, truth, draw):
        anchors, sizes = first["anchors"], first["sizes"]
        matched = _matched(anchors, truth, _LOW, _HIGH, force=True)
        centres = (anchors[:, :2] + anchors[:, 2:]) / 2  # x and y
        inside = ops.all(centres[None] < ops.flip(sizes, axis=-1)[:, None], axis=-1)  # not where an image was padded
        objects = ops.logical_and(matched >= 0, inside)
        empty = ops.logical_and(matched == coding.BACKGROUND, inside)
        sampled = coding.sample(draw("rpn", ops.shape(anchors)[0]), objects, empty, self.rpn_batch, 0.5)
        return {
            "rpn_sampled": sampled,
            "rpn_objects": objects,
            "rpn_targets": coding.encode(anchors, _of_each(truth["boxes"], matched)),
        }

    def _roi_targets(self, boxes, truth, count, draw):
        boxes = ops.stop_gradient(boxes)
        matched = _matched(boxes, truth, _OBJECT, _OBJECT)
        real = ops.logical_and(boxes[..., 2] > boxes[..., 0], boxes[..., 3] > boxes[..., 1])  # others fill up
        objects = ops.logical_and(matched >= 0, real)
        empty = ops.logical_and(matched == coding.BACKGROUND, real)
        priorities = draw("roi", ops.shape(boxes)[1])
        sampled = coding.sample(priorities, objects, empty, count, 0.25)
        _, chosen = ops.top_k(ops.where(sampled, priorities, -1.0), k=count)
        matched, sampled, objects = (ops.take_along_axis(one, chosen, axis=1) for one in (matched, sampled, objects))
        boxes = ops.take_along_axis(boxes, chosen[..., None], axis=1)
        own = ops.take_along_axis(truth["classes"], ops.maximum(matched, 0), axis=1) + 1
        return {
            "boxes": boxes,
            "classes": ops.where(objects, own, 0),
            "deltas": coding.encode(boxes, _of_each(truth["boxes"], matched), _VARIANCE),
            "sampled": sampled,
        }

    def get_config(self):
        names = (
            *("classes", "anchor_sizes", "anchor_ratios", "rpn_width", "roi_size", "head_blocks", "head_width"),
            *("head_bottleneck", "normalization", "freeze_trunk", "candidates", "proposals", "rpn_batch", "roi_batch"),
            *("score_threshold", "overlap_threshold", "max_detections", "seed"),
        )
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), "trunk": keras.saving.serialize_keras_object(self.trunk), **own}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "trunk": keras.saving.deserialize_keras_object(config["trunk"])})


def stride_and_depth(trunk):
    """Pixels of the image to one of a trunk's map, and the map's channels.

    Raises:
        ValueError: If the trunk does not turn images of any size into maps.
    """
    shape = getattr(trunk, "input_shape", None)
    found = None
    if isinstance(shape, tuple) and len(shape) == 4 and shape[1:3] == (None, None):
        found = trunk.compute_output_shape((None, _PROBE, _PROBE, shape[-1]))
        if len(found) == 4 and found[1] is None:  # a loaded program says it only of an image
            found = tuple(trunk(ops.zeros((1, _PROBE, _PROBE, shape[-1]))).shape)
    if found is None or len(found) != 4 or found[1] != found[2] or _PROBE % found[1]:
        raise ValueError(
            "`trunk` must be a Keras model from images of any size to maps of a whole stride. "
            f"Received: one from {shape} to {getattr(trunk, 'output_shape', None)}"
        )
    return _PROBE // found[1], found[3]


def _matched(boxes, truth, low, high, force=False):
    """As `coding.match`; what lies on an object of class -2 is not background."""
    found = coding.overlaps(boxes, truth["boxes"], truth["classes"] >= 0)
    spared = coding.overlaps(boxes, truth["boxes"], truth["classes"] == _NEITHER)
    return coding.spare(coding.match(found, low, high, force), spared, low)


def _of_each(true_boxes, matched):
    """The true box of each box, `[B, N, 4]`; any for those that have none."""
    return ops.take_along_axis(true_boxes, ops.maximum(matched, 0)[..., None], axis=1)


def _smooth_l1(difference, beta):
    """Summed over the four numbers of a box."""
    size = ops.abs(difference)
    return ops.sum(ops.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta), axis=-1)


def _share(losses, counted, sampled):
    """Mean over images of the counted losses' sum by the number of sampled boxes."""
    totals = ops.sum(ops.where(counted > 0, losses, 0.0), axis=1)
    return ops.mean(totals / ops.maximum(ops.sum(sampled, axis=1), 1.0))
