"""Data-efficient CPC in its first version: ResNet-170, for ImageNet.

Run:       cpc-keras pretrain imagenet_cpc_resnet170 --run runs/cpc_resnet170
Paper:     Hénaff et al. 2019, arXiv 1905.09272, first version (May 2019).
Cost:      see `cpc-keras describe imagenet_cpc_resnet170`.
Expect:    61.0 % top-1 of a linear probe, 64.0 % top-5 with 1 % of the labels, is what the paper reports; not run at
           full length by us.

As published: ResNet-101 whose third stack grows to 46 blocks of 4096 maps (bottleneck 512), three stacks kept, which
is a code of 6 × 6 × 4096 for an image; 350,000 steps; targets of 64 dimensions, scale 0.1, three rows ahead.

Recollected rather than read again: crop 260, patches of 80 px at stride 36; layer norm; all four directions; colour
dropping and mirroring of patches; Adam at 2e-4 as in the first paper. How often colour is dropped is our choice.
"""

data = "tfds:imagenet2012"
channels = 3
short_side = 300
crop = 260
patch_size = 80
stride = 36
encoder = "resnet170"
stacks = 3
stem = "large"
normalization = "layer"
offsets = (3,)
directions = ("down", "up", "right", "left")
patch_flip = 0.5
patch_color_dropping = 0.25
batch_size = 512
steps = 350_000
learning_rate = 2e-4
schedule = "constant"
warmup_steps = 0
ablation = {"MC": {"encoder": "resnet101"}, "LP": {"crop": 256, "patch_size": 64, "stride": 32}}
checkpoint_every = 5000
keep_milestones = True
head_blocks = 11
head_width = 4096
head_bottleneck = 1024
labels_per_class = ()
fractions = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
