"""ResNet-18 to ResNet-170, called like the networks of `keras.applications`.

The kernels of ResNet-18 and 34 are those of `keras_hub.models.ResNetBackbone`
with `use_pre_activation=True`, the kernels of 50, 101 and 152 those of
`keras.applications.ResNet50V2` and its sisters, one for one; with batch norm the
outputs equal `ResNetBackbone`'s at odd image sides. What differs, by design:

* Padding is `"same"`, so that at even sides strided convolutions and pooling
  pad below and to the right only, where both libraries pad all around.
* The stem's pooling takes nothing beyond the edge, as in keras_hub;
  `keras.applications` puts zeros there.
* The first block of a stack strides, as in keras_hub; in `keras.applications` it
  is the last one, of all stacks but the fourth, and its shortcut is a pooling.
* No convolution has a bias, as in keras_hub; in `keras.applications` the stem,
  shortcuts and the last convolution of a branch have one.
* Kernels start from He's normal distribution, in both libraries from Glorot's
  uniform one.
* Three stacks and layer normalisation are the default, in both libraries four
  and batch normalisation. Batch norm keeps Keras' momentum of 0.99; in keras_hub
  it is 0.9.
"""

from cpc_keras.models.resnet import ResNet

_BASIC = {"widths": (64, 128, 256, 512), "bottleneck_widths": None}
_BOTTLENECK = {"widths": (256, 512, 1024, 2048), "bottleneck_widths": (64, 128, 256, 512)}
# The third stack outgrows the fourth.
_WIDE_THIRD = {"widths": (256, 512, 4096, 2048), "bottleneck_widths": (64, 128, 512, 512)}

_DOCSTRING = """{about}

    Args:
        input_shape: `(h, w, C)`; `None` leaves height or width open.
        include_top: Whether mean pooling and a classifier follow.
        pooling: `None` for the feature map, `"avg"` or `"max"` for a vector.
        classes: Number of classes if `include_top`.
        classifier_activation: Activation of the classifier; `None` gives logits.
        stacks: How many stacks of blocks to build, 3 or 4.
        stem: `"large"`, `"medium"` or `"small"`, see `ResNet`.
        normalization: `"layer"`, `"batch"` or `"none"`, see `ResNet`.
        name: Name of the model.
        dtype: Dtype or dtype policy of every layer; the global policy if `None`.

    Returns:
        A `keras.Model` from images `[N, h, w, C]` of any size to maps of {three}
        channels at stride 16, with four stacks of {four} channels at stride 32
        (on the large stem; half of that on the medium, a quarter on the small).

    Raises:
        ValueError: If an argument is not one of these choices.

    Reference:
        {reference}

    {example}
"""


def _member(
    number, blocks, widths, bottleneck_widths, about, reference="He et al. 2016, arXiv 1603.05027.", example=""
):
    """A function that builds one member of the family."""

    def build(
        input_shape=(None, None, 3),
        include_top=False,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        stacks=3,
        stem="large",
        normalization="layer",
        name=f"resnet{number}",
        dtype=None,
    ):
        if stacks not in (3, 4):
            raise ValueError(f"`stacks` must be 3 or 4. Received: stacks={stacks}")
        return ResNet(
            widths=widths[:stacks],
            blocks=blocks[:stacks],
            bottleneck_widths=bottleneck_widths and bottleneck_widths[:stacks],
            stem=stem,
            normalization=normalization,
            input_shape=input_shape,
            include_top=include_top,
            pooling=pooling,
            classes=classes,
            classifier_activation=classifier_activation,
            name=name,
            dtype=dtype,
        )

    build.__name__ = build.__qualname__ = f"ResNet{number}"
    build.__doc__ = _DOCSTRING.format(
        about=about, three=widths[2], four=widths[3], reference=reference, example=example
    ).rstrip()
    return build


ResNet18 = _member(
    18,
    (2, 2, 2, 2),
    **_BASIC,
    about="""ResNet-18 (basic blocks 2-2-2-2), by default its first three stacks.

    Any member of the family is a backbone for `keras_hub`, as it is:

        classifier = keras_hub.models.ImageClassifier(backbone=ResNet18(stacks=4), num_classes=10)
        classifier.fit(images, labels)""",
    example="""Example:

    >>> ResNet18().output_shape
    (None, None, None, 256)
    >>> ResNet18(include_top=True, classes=10, stem="small", input_shape=(32, 32, 3)).output_shape
    (None, 10)""",
)

ResNet34 = _member(
    34,
    (3, 4, 6, 3),
    **_BASIC,
    about="ResNet-34 (basic blocks 3-4-6-3), by default its first three stacks.",
)

ResNet50 = _member(
    50,
    (3, 4, 6, 3),
    **_BOTTLENECK,
    about="""ResNet-50 (bottleneck blocks 3-4-6-3), by default its first three stacks.

    With all four it is the small encoder of CPC v2 (23.5 million weights).""",
    reference="He et al. 2016, arXiv 1603.05027; Hénaff et al. 2019, arXiv 1905.09272.",
    example="""Example:

    >>> ResNet50(pooling="avg").output_shape
    (None, 1024)""",
)

ResNet101 = _member(
    101,
    (3, 4, 23, 3),
    **_BOTTLENECK,
    about="""ResNet-101 (bottleneck blocks 3-4-23-3), by default its first three stacks.

    With `normalization="none"` and one input channel its three stacks are the
    encoder of CPC v1.""",
    reference="He et al. 2016, arXiv 1603.05027; van den Oord et al. 2018, arXiv 1807.03748.",
)

ResNet152 = _member(
    152,
    (3, 8, 36, 3),
    **_BOTTLENECK,
    about="ResNet-152 (bottleneck blocks 3-8-36-3), by default its first three stacks.",
)

_WIDE_ABOUT = """

    It is ResNet-101 with a third stack of 46 blocks of 4096 maps, 512 inside a
    block, in place of 23 of 1024. Counting stem and classifier, three stacks
    have (3 + 4 + 46) · 3 + 2 = 161 layers and 303.6 million weights without the
    classifier; four have (3 + 4 + 46 + 3) · 3 + 2 = 170 and 326.5 million."""

ResNet161 = _member(
    161,
    (3, 4, 46, 3),
    **_WIDE_THIRD,
    about=f"""ResNet-161, the encoder of CPC v2: the first three stacks of ResNet-170.

    `stacks=4` adds the fourth, which makes it `ResNet170(stacks=4)`.{_WIDE_ABOUT}""",
    reference="Hénaff et al. 2019, arXiv 1905.09272.",
)

ResNet170 = _member(
    170,
    (3, 4, 46, 3),
    **_WIDE_THIRD,
    about=f"""ResNet-170, the encoder of the data-efficient CPC's first version.

    `ResNet170()` is its backbone of three stacks, the same network as `ResNet161()`;
    `ResNet170(stacks=4)` has all 170 layers.{_WIDE_ABOUT}""",
    reference="Hénaff et al. 2019, arXiv 1905.09272.",
)
