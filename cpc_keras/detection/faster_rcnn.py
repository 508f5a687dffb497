"""Faster R-CNN on any encoder's map."""

import keras
from keras import layers, ops

from cpc_keras.detection.anchors import base_anchors, lay_anchors
from cpc_keras.detection.backbones import stride_and_depth
from cpc_keras.detection.box_coding import clip, decode
from cpc_keras.detection.box_head import BoxHead
from cpc_keras.detection.losses import LOSSES, detection_losses
from cpc_keras.detection.proposals import detect, propose
from cpc_keras.detection.region_features import roi_align
from cpc_keras.detection.targets import ROI_VARIANCE, roi_targets, rpn_targets
from cpc_keras.layers.patch_draws import PatchDraws
from cpc_keras.models.image_checks import check_shape, check_training_images
from cpc_keras.models.step import TrainingStep

# Of two proposals that overlap more, the less likely one is dropped.
_SAME = 0.7
# Arguments as version 0.1 called them, in files that it wrote.
_FORMER_NAMES = {"trunk": "backbone", "freeze_trunk": "freeze_backbone"}


@keras.saving.register_keras_serializable(package="cpc_keras")
class FasterRCNN(TrainingStep, keras.Model):
    """Faster R-CNN in its C4 form, with any encoder as the backbone.

    The backbone, unpatched, turns an image into a map. On it a region proposal
    network (RPN) says where objects may be; the features of each proposal are
    cut out (`roi_align`) and go through a residual head, which names the class
    and mends the box, for each class by itself.

    Args:
        backbone: A `keras.Model` from `[B, H, W, C]`, values in `[0, 1]` and free
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
        freeze_backbone: Whether the backbone stays as it is.
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
    and -2 for objects that are neither trained on nor background; and perhaps
    `"sizes"`.

    Raises:
        ValueError: If the backbone does not turn images of any size into maps.

    Reference:
        Ren et al. 2015, arXiv 1506.01497; He et al. 2017, arXiv 1703.06870
        (RoIAlign); on a CPC backbone Hénaff et al. 2019, arXiv 1905.09272.

    Example:

    >>> import numpy as np
    >>> from cpc_keras.models import ResNet
    >>> backbone = ResNet((8, 16), (1, 1), stem="medium")
    >>> detector = FasterRCNN(backbone, classes=3, anchor_sizes=(16,), rpn_width=8, roi_size=4, head_blocks=1,
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
        backbone,
        classes,
        anchor_sizes=(128, 256, 512),
        anchor_ratios=(0.5, 1.0, 2.0),
        rpn_width=512,
        roi_size=14,
        head_blocks=3,
        head_width=2048,
        head_bottleneck=512,
        normalization="layer",
        freeze_backbone=False,
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
        self.trunk = backbone
        self.classes = classes
        self.anchor_sizes = tuple(anchor_sizes)
        self.anchor_ratios = tuple(anchor_ratios)
        self.rpn_width = rpn_width
        self.roi_size = roi_size
        self.head_blocks = head_blocks
        self.head_width = head_width
        self.head_bottleneck = head_bottleneck
        self.normalization = normalization
        self.freeze_backbone = freeze_backbone
        self.candidates = tuple(candidates)
        self.proposals = tuple(proposals)
        self.rpn_batch = rpn_batch
        self.roi_batch = roi_batch
        self.score_threshold = score_threshold
        self.overlap_threshold = overlap_threshold
        self.max_detections = max_detections
        self.seed = seed

        self.stride, depth = stride_and_depth(backbone)
        if freeze_backbone:
            backbone.trainable = False
        anchors = len(self.anchor_sizes) * len(self.anchor_ratios)
        small = {
            "kernel_initializer": keras.initializers.RandomNormal(stddev=0.01),
            "data_format": "channels_last",
            "dtype": self.dtype_policy,
        }
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
        self._trackers = {name: keras.metrics.Mean(name=f"{name}_loss") for name in LOSSES}
        self.build(backbone.input_shape)

    def build(self, input_shape):
        depth = self.head.input_shape[-1]
        self.rpn.build((None, None, None, depth))
        self.rpn_object.build((None, None, None, self.rpn_width))
        self.rpn_box.build((None, None, None, self.rpn_width))
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="step", aggregation="only_first_replica"
        )

    def fit(self, x=None, *args, **kwargs):
        """As `keras.Model.fit`; warns of images whose values lie outside of `[0, 1]`."""
        check_training_images(x, self.backbone.input_shape[-1])
        return super().fit(x, *args, **kwargs)

    def call(self, images, sizes=None, training=False):
        first = self._first_stage(images, sizes, training)
        boxes = self._propose(first, training)  # [B, R, 4]
        logits, deltas = self._second_stage(first["maps"], boxes, training)
        mended = decode(boxes[:, :, None], deltas, ROI_VARIANCE)  # [B, R, K, 4]
        flat = clip(ops.reshape(mended, (-1, boxes.shape[1] * self.classes, 4)), first["sizes"])
        mended = ops.reshape(flat, (-1, boxes.shape[1], self.classes, 4))
        real = ops.cast(boxes[..., 2:3] > boxes[..., 0:1], "float32")  # there may be fewer proposals
        scores = ops.softmax(logits)[..., 1:] * real  # class 0 is background
        return detect(mended, scores, self.overlap_threshold, self.score_threshold, self.max_detections)

    def respond(self, images, labels, training):
        """What the loss is taken of: both stages, with what each of them is to say."""
        first = self._first_stage(images, labels.get("sizes"), training)
        true_boxes, true_classes = ops.cast(labels["boxes"], "float32"), ops.cast(labels["classes"], "int32")
        truth = {"boxes": true_boxes, "classes": true_classes}
        draw = self._draw(first, training)
        priorities = draw("rpn", ops.shape(first["anchors"])[0])
        rpn = rpn_targets(first["anchors"], first["sizes"], truth, priorities, self.rpn_batch)
        boxes = ops.concatenate([self._propose(first, training), true_boxes], axis=1)
        count = min(self.roi_batch, self.proposals[0 if training else 1])
        rois = roi_targets(boxes, truth, draw("roi", ops.shape(boxes)[1]), count)
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
        """The sum of the four of `detection_losses`, and of what layers add by `add_loss`."""
        parts = detection_losses(y_pred, self.classes)
        batch = ops.shape(y_pred["rpn_sampled"])[0]
        for name, part in parts.items():
            self._trackers[name].update_state(part, sample_weight=batch)
        return sum(parts.values()) + sum(ops.cast(ops.sum(loss), "float32") for loss in self.losses)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()

    def _first_stage(self, images, sizes, training):
        images = ops.convert_to_tensor(images)
        check_shape(images.shape, self.backbone.input_shape[-1])
        batch, height, width, _ = ops.shape(images)
        if sizes is None:
            sizes = ops.tile(ops.cast(ops.stack([height, width]), "float32")[None], (batch, 1))
        # Whole strides, so that every map lies on its image alike.
        images = ops.pad(images, ((0, 0), (0, -height % self.stride), (0, -width % self.stride), (0, 0)))
        maps = self.backbone(images, training=training and not self.freeze_backbone)
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
        boxes = clip(decode(first["anchors"], first["deltas"]), first["sizes"])
        place = 0 if training else 1
        return propose(boxes, first["objectness"], self.candidates[place], self.proposals[place], _SAME)

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
        replica_offset = self.replica_offset(batch)

        def draw(name, count):
            draws = PatchDraws(self.seed, step, batch, 1, count, replica_offset)
            return ops.reshape(draws.uniform(name, 0.0, 1.0), (batch, count))

        return draw

    @property
    def backbone(self):
        """The encoder. Files of any version keep its weights as those of `trunk`."""
        return self.trunk

    def __dir__(self):
        # Keras saves what is listed here, and `backbone` comes before `trunk`.
        return [name for name in super().__dir__() if name != "backbone"]

    def get_config(self):
        names = (
            *("classes", "anchor_sizes", "anchor_ratios", "rpn_width", "roi_size", "head_blocks", "head_width"),
            *(
                "head_bottleneck",
                "normalization",
                "freeze_backbone",
                "candidates",
                "proposals",
                "rpn_batch",
                "roi_batch",
            ),
            *("score_threshold", "overlap_threshold", "max_detections", "seed"),
        )
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), "backbone": keras.saving.serialize_keras_object(self.backbone), **own}

    @classmethod
    def from_config(cls, config):
        config = {_FORMER_NAMES.get(name, name): value for name, value in config.items()}
        return cls(**{**config, "backbone": keras.saving.deserialize_keras_object(config["backbone"])})
