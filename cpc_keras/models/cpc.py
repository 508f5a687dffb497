"""Contrastive Predictive Coding of images as a Keras model."""

from inspect import signature

import keras
import numpy as np
from keras import ops

from cpc_keras.backend.keras_settings import check_channels_last
from cpc_keras.backend.kernels import split_batch
from cpc_keras.layers.patch_extractor import PatchExtractor, grid_size
from cpc_keras.losses.info_nce import info_nce_and_accuracy
from cpc_keras.models.context_network import ContextNetwork, side_by_side
from cpc_keras.models.directions import QUARTER_TURNS, check_names, check_prediction, rotate_grid
from cpc_keras.models.embedding_std import embedding_std
from cpc_keras.models.image_checks import check_shape, check_training_images
from cpc_keras.models.step import TrainingStep

REDUCTIONS = ("mean", "sum")


@keras.saving.register_keras_serializable(package="cpc_keras")
class CPC(TrainingStep, keras.Model):
    """Contrastive Predictive Coding: predict a patch's code from those behind it.

    An image is cut into patches; the encoder turns each patch by itself into a
    vector `z[i, j]`; for each direction a context network sums up what lies
    behind a location into `c[i, j]`; and for each offset `k` a linear map
    `W_k c[i, j]` must pick the true `z[i + k, j]` out of the codes of all
    locations of all images in the batch.

    Args:
        encoder: Any `keras.Model` from `[N, h, w, C]` to a feature map
            `[N, h', w', D]`; the map is averaged over space. A model that
            returns vectors `[N, D]` is taken as well.
        patch_size: Side of a patch in pixels.
        stride: Pixels from one patch to the next.
        offsets: How many patches ahead to predict, counted from 1.
        directions: Any of `"down"`, `"up"`, `"right"`, `"left"`, each with a
            context network and predictors of its own.
        target_dim: Dimension `d` in which predictions meet targets.
        scale: Factor on predictions.
        context_blocks: Residual blocks of a context network.
        context_width: Channels inside such a block.
        augmentation: A layer applied to the patches
            `[B, rows, cols, p, p, C]`, such as `PatchAugmentation`.
        reduction: `"mean"` over directions and offsets, comparable with
            `ln(candidates)`; `"sum"` is the published form.

    Call arguments:
        images: Float tensor `[B, H, W, C]`, values in `[0, 1]`.
        training: Whether to augment (and passed to the encoder).

    Returns:
        `call` returns a dictionary: `"latents"` `[B, rows, cols, D]`,
        `"targets"` `[B, rows, cols, d]`, and for each direction and offset, as
        in `"down_2"`, predictions `[B, rows - k, cols, d]` in the frame turned
        so that the direction runs downwards.

    Raises:
        ValueError: If a direction or reduction is unknown, the encoder has channels
            first, or (when called) if images have not the encoder's channels, or
            patches or offsets do not fit them.

    Reference:
        van den Oord et al. 2018, arXiv 1807.03748, section 3.2;
        Hénaff et al. 2019, arXiv 1905.09272.

    Example:

    >>> import numpy as np
    >>> from cpc_keras.models import ResNet
    >>> encoder = ResNet((8, 16), (1, 1), stem="small", input_shape=(None, None, 1))
    >>> model = CPC(encoder, patch_size=12, stride=4, offsets=(2, 3), target_dim=8,
    ...             context_blocks=2, context_width=8)
    >>> model.compile(optimizer="adam")
    >>> images = np.random.default_rng(0).uniform(size=(8, 28, 28, 1)).astype("float32")
    >>> _ = model.fit(images, batch_size=4, epochs=1, verbose=0)
    >>> tuple(model.encode(images).shape)
    (8, 5, 5, 16)
    """

    def __init__(
        self,
        encoder,
        patch_size,
        stride,
        offsets=(2, 3, 4, 5),
        directions=("down",),
        target_dim=64,
        scale=0.1,
        context_blocks=5,
        context_width=256,
        augmentation=None,
        reduction="mean",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_names(directions, offsets)
        check_channels_last(encoder, "encoder")
        if reduction not in REDUCTIONS:
            raise ValueError(f"`reduction` must be one of {REDUCTIONS}. Received: reduction={reduction!r}")
        self.encoder = encoder
        self.patch_size = patch_size
        self.stride = stride
        self.offsets = tuple(offsets)
        self.directions = tuple(directions)
        self.target_dim = target_dim
        self.scale = scale
        self.context_blocks = context_blocks
        self.context_width = context_width
        self.augmentation = augmentation
        self.reduction = reduction
        self._augments_by_place = (
            augmentation is not None and "replica_offset" in signature(augmentation.call).parameters
        )

        self.patch_extractor = PatchExtractor(patch_size, stride, dtype="float32")
        self.context_networks = {
            direction: ContextNetwork(
                context_blocks, context_width, dtype=self.dtype_policy, name=f"context_{direction}"
            )
            for direction in self.directions
        }
        # No bias on targets: it would shift all logits of a query alike, so its
        # true gradient is zero and Adam would blow rounding noise up to full steps.
        self.target_projection = keras.layers.Dense(target_dim, use_bias=False, name="targets")
        self.predictors = {key: keras.layers.Dense(target_dim, name=f"predict_{key}") for key in self.task_names}
        self._accuracy = keras.metrics.Mean(name="accuracy")
        self._task_losses = {key: keras.metrics.Mean(name=f"loss_{key}") for key in self.task_names}
        self._task_accuracies = {key: keras.metrics.Mean(name=f"accuracy_{key}") for key in self.task_names}
        self._chance = keras.metrics.Mean(name="chance")
        self._embedding_std = keras.metrics.Mean(name="embedding_std")

    @property
    def task_names(self):
        """One name per prediction task, `direction_offset`."""
        return [f"{direction}_{k}" for direction in self.directions for k in self.offsets]

    def build(self, input_shape):
        check_shape(input_shape, self._channels)
        batch, height, width, channels = input_shape
        rows = grid_size(height, self.patch_size, self.stride, "height")
        cols = grid_size(width, self.patch_size, self.stride, "width")
        check_prediction(rows, cols, self.directions, self.offsets)
        patch_shape = (None, self.patch_size, self.patch_size, channels)
        if not self.encoder.built:
            self.encoder.build(patch_shape)
        latent_dim = self.encoder.compute_output_shape(patch_shape)[-1]
        self.target_projection.build((batch, rows, cols, latent_dim))
        for direction, network in self.context_networks.items():
            turned = (cols, rows) if QUARTER_TURNS[direction] % 2 else (rows, cols)
            network.build((batch, *turned, latent_dim))
        for predictor in self.predictors.values():
            predictor.build((batch, rows, cols, latent_dim))

    @property
    def _channels(self):
        shape = getattr(self.encoder, "input_shape", None)  # one that has seen no images has none yet
        return shape[-1] if isinstance(shape, tuple) else None

    def fit(self, x=None, *args, **kwargs):
        """As `keras.Model.fit`; warns of images whose values lie outside of `[0, 1]`."""
        check_training_images(x, self._channels)
        return super().fit(x, *args, **kwargs)

    def encode_patches(self, patches, training=False):
        """Encodes patches `[B, rows, cols, p, p, C]` to float32 `z` `[B, rows, cols, D]`."""
        batch, rows, cols = ops.shape(patches)[:3]
        flat = ops.reshape(patches, (-1, *patches.shape[3:]))  # [B·rows·cols, p, p, C]
        maps = ops.cast(split_batch.encode(self.encoder, flat, training), "float32")
        vectors = ops.mean(maps, axis=(1, 2)) if len(maps.shape) == 4 else maps
        return ops.reshape(vectors, (batch, rows, cols, vectors.shape[-1]))

    def encode(self, images):
        """The patch grid of an image, without augmentation.

        Args:
            images: `[B, H, W, C]`, values in `[0, 1]`.

        Returns:
            Float32 tensor `z`, `[B, rows, cols, D]`.
        """
        images = ops.convert_to_tensor(images, dtype="float32")
        check_shape(images.shape, self._channels)
        return self.encode_patches(self.patch_extractor(images), training=False)

    def call(self, images, training=False):
        check_shape(images.shape, self._channels)
        patches = self.patch_extractor(images)
        if self.augmentation is not None:
            place = {"replica_offset": self.replica_offset(ops.shape(images)[0])} if self._augments_by_place else {}
            patches = self.augmentation(patches, training=training, **place)
        return self.outputs_of(self.encode_patches(patches, training=training))

    def outputs_of(self, latents):
        """What `call` returns, from the patch grid on.

        Args:
            latents: Float32 tensor `[B, rows, cols, D]`.
        """
        turned = {direction: rotate_grid(latents, QUARTER_TURNS[direction]) for direction in self.directions}
        outputs = {"latents": latents, "targets": self.target_projection(latents)}
        for directions in _of_one_shape(turned):
            networks = [self.context_networks[direction] for direction in directions]
            contexts = ops.unstack(
                side_by_side(networks, [turned[direction] for direction in directions]), len(directions)
            )
            for direction, context in zip(directions, contexts, strict=True):
                shape = ops.shape(context)  # [B, rows, cols, D]
                for k in self.offsets:
                    # `ops.slice`: the gradient of an indexed slice is slow in TensorFlow.
                    behind = ops.slice(context, (0, 0, 0, 0), (shape[0], shape[1] - k, *shape[2:]))
                    key = f"{direction}_{k}"
                    outputs[key] = self.scale * self.predictors[key](behind)
        return outputs

    def positives(self, direction, offset, shape, replica_offset=0):
        """Index of each prediction's true target among the flattened targets.

        Args:
            direction: The prediction's direction.
            offset: How many patches ahead it predicts.
            shape: `(B, rows, cols)` of the predictions' images; `B` may be a tensor.
            replica_offset: Place of the first of these images among the targets'.

        Returns:
            Int32 tensor `[Q]`, ordered as the flattened predictions.
        """
        batch, rows, cols = shape
        grid = np.arange(rows * cols, dtype="int32").reshape(rows, cols)
        ahead = np.rot90(grid, QUARTER_TURNS[direction])[offset:]
        images = (replica_offset + ops.arange(batch, dtype="int32"))[:, None] * (rows * cols)
        return ops.reshape(images + ops.convert_to_tensor(ahead.reshape(1, -1).copy()), (-1,))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """InfoNCE over all directions and offsets, and what layers add by `add_loss`; `y` is ignored.

        Under a `tf.distribute` strategy candidates come from all replicas, and the
        result is the mean over the predictions of this one.
        """
        targets = y_pred["targets"]
        shape = (ops.shape(targets)[0], *targets.shape[1:3])
        replica_offset = self.replica_offset(shape[0])
        candidates = self.all_gather(ops.reshape(targets, (-1, self.target_dim)))  # [N, d]
        losses, accuracies = [], []
        for direction in self.directions:
            for k in self.offsets:
                key = f"{direction}_{k}"
                predictions = ops.reshape(y_pred[key], (-1, self.target_dim))
                positives = self.positives(direction, k, shape, replica_offset)
                loss, accuracy = info_nce_and_accuracy(predictions, candidates, positives)
                losses.append(loss)
                accuracies.append(accuracy)
                self._task_losses[key].update_state(loss, sample_weight=shape[0])
                self._task_accuracies[key].update_state(accuracy, sample_weight=shape[0])
        self._accuracy.update_state(ops.mean(ops.stack(accuracies)), sample_weight=shape[0])
        tasks = 1.0 if self.reduction == "mean" else float(len(losses))
        self._chance.update_state(tasks * ops.log(ops.cast(ops.shape(candidates)[0], "float32")))
        self._embedding_std.update_state(embedding_std(y_pred["latents"], self.all_reduce_sum))
        total = ops.sum(ops.stack(losses))
        total = total / len(losses) if self.reduction == "mean" else total
        return total + sum(ops.cast(ops.sum(loss), "float32") for loss in self.losses)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "patch_size": self.patch_size,
            "stride": self.stride,
            "offsets": self.offsets,
            "directions": self.directions,
            "target_dim": self.target_dim,
            "scale": self.scale,
            "context_blocks": self.context_blocks,
            "context_width": self.context_width,
            "augmentation": keras.saving.serialize_keras_object(self.augmentation),
            "reduction": self.reduction,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("encoder", "augmentation"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)


def _of_one_shape(grids):
    """Directions by the shape of their grids: a quarter turn swaps the sides of one that is not square."""
    groups: dict = {}
    for direction, grid in grids.items():
        rows, cols = grid.shape[1:3]
        square = rows is not None and rows == cols
        groups.setdefault(0 if square else QUARTER_TURNS[direction] % 2, []).append(direction)
    return groups.values()
