"""Our networks beside those of `keras_hub`, and inside its tasks."""

import re

import keras
import keras_hub
import numpy as np
import pytest

from cpc_keras import models
from cpc_keras.models import ResNet18


def hub_backbone(blocks, block_type):
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=list(blocks),
        stackwise_num_strides=[1, 2, 2, 2],
        block_type=block_type,
        use_pre_activation=True,
    )


def our_name(theirs):
    """`stack0_block1_0_conv` is `stack1_block2_shortcut_conv`, and so on."""
    if theirs == "conv1_conv":
        return "stem_conv"
    name = (
        theirs.replace("_pre_activation_bn", "_preact_norm")
        .replace("_bn", "_norm")
        .replace("_0_conv", "_shortcut_conv")
    )
    return re.sub(r"(stack|block)(\d+)", lambda found: f"{found[1]}{int(found[2]) + 1}", name)


def with_weights(model):
    return {layer.name: layer for layer in model.layers if layer.weights}


@pytest.mark.parametrize(
    ("number", "blocks", "block_type"),
    [
        (18, (2, 2, 2, 2), "basic_block"),
        (34, (3, 4, 6, 3), "basic_block"),
        (50, (3, 4, 6, 3), "bottleneck_block"),
    ],
)
def test_equals_the_pre_activation_backbone(number, blocks, block_type):
    """Every kernel has the same shape and, its weights moved over, the whole network the same output.

    Sides are odd at every stride, so that `"same"` padding is on all sides alike, as keras_hub pads. At even sides we
    pad below and to the right only: a difference by design, and with it the momentum of batch norm and the
    initialisers. Pooling and all else is the same.
    """
    theirs = hub_backbone(blocks, block_type)
    ours = getattr(models, f"ResNet{number}")(stacks=4, normalization="batch")
    sources = {our_name(name): layer for name, layer in with_weights(theirs).items()}
    targets = with_weights(ours)
    assert set(sources) == set(targets)
    rng = np.random.default_rng(number)
    for name, source in sources.items():
        shapes = [tuple(weight.shape) for weight in source.weights]
        assert shapes == [tuple(weight.shape) for weight in targets[name].weights], name
        if len(shapes) == 4:  # batch norm: scale, offset, mean, variance, all away from where they start
            values = [rng.uniform(low, high, shapes[0]) for low, high in ((0.5, 1.5), (-1, 1), (-0.5, 0.5), (0.5, 2))]
        else:
            values = [rng.normal(0, np.sqrt(1 / np.prod(shapes[0][:3])), shapes[0])]
        source.set_weights(values)
        targets[name].set_weights(values)

    images = rng.uniform(size=(2, 65, 97, 3)).astype("float32")
    expected = np.asarray(theirs(images, training=False))
    assert expected.shape == (2, 3, 4, 512 if number < 50 else 2048)
    assert expected.std() > 0.1
    np.testing.assert_allclose(ours(images, training=False), expected, rtol=1e-4, atol=1e-4 * expected.std())
    np.testing.assert_allclose(
        ours(images, training=True), theirs(images, training=True), rtol=1e-3, atol=1e-3 * expected.std()
    )


@pytest.fixture
def labelled(photographs):
    patches = np.stack([photographs[index % 2][20 * index :][:32, 100:132] for index in range(6)])
    return patches.astype("float32") / 255.0, np.arange(6) % 2


# Any trained task warns so when it is loaded: it compiles itself, without the optimizer's state.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`compile\\(\\)` was not called as part of model loading:UserWarning")
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")
@pytest.mark.parametrize("normalization", ["layer", "batch"])
def test_image_classifier(normalization, labelled, tmp_path):
    images, labels = labelled
    backbone = ResNet18(stem="small", normalization=normalization, input_shape=(None, None, 3))
    classifier = keras_hub.models.ImageClassifier(backbone=backbone, num_classes=2)
    before = [np.array(weight) for weight in backbone.trainable_weights]
    batches = list(zip([images[:4], images[2:]], [labels[:4], labels[2:]], strict=True))
    for batch, answers in batches:
        assert np.isfinite(classifier.train_on_batch(batch, answers)[0])
    assert all((old != new).any() for old, new in zip(before, map(np.array, backbone.trainable_weights), strict=True))

    logits = classifier.predict(images, verbose=0)
    assert logits.shape == (6, 2)
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.models.load_model(tmp_path / "classifier.keras")
    assert isinstance(loaded, keras_hub.models.ImageClassifier)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), logits)
    assert loaded.predict(images[:, :24, :28], verbose=0).shape == (6, 2)


@pytest.mark.slow
def test_image_classifier_fits(labelled):
    images, labels = labelled
    classifier = keras_hub.models.ImageClassifier(
        backbone=ResNet18(stem="small", dtype="mixed_bfloat16"), num_classes=2, pooling="max", dropout=0.1
    )
    # `shuffle` spares a warning that Keras gives about its own default.
    history = classifier.fit(images, labels, batch_size=3, epochs=1, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
