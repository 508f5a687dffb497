"""CIFAR-10: 50,000 photographs of 32 px in ten classes.

Run:       cpc-keras pretrain cifar10 --run runs/cifar10
           cpc-keras evaluate runs/cifar10 --labels-per-class 10,50,500
Paper:     Hénaff et al. 2019, arXiv 1905.09272, sized down: layer norm, four directions, patch augmentation.
Cost:      `cpc-keras describe cifar10` counts it; an afternoon on one GPU.
Expect:    not measured yet.

Patches of 12 px at stride 4 make a grid of 6 × 6; three patches ahead, none shares a pixel with the last one seen.
"""

data = "tfds:cifar10"
channels = 3
crop = 32
flip = True
patch_size = 12
stride = 4
encoder = "resnet"
widths = (64, 128, 256)
blocks = (2, 2, 2)
stem = "medium"
offsets = (3,)
directions = ("down", "up", "right", "left")
patch_flip = 0.5
patch_color_distortion = 0.8
patch_grayscale = 0.25
patch_color_dropping = 0.25
batch_size = 128
steps = 78_000
learning_rate = 1e-3
warmup_steps = 1000
average_decay = 0.999
checkpoint_every = 1000
keep_milestones = True
head_blocks = 3
head_width = 512
head_bottleneck = 128
labels_per_class = (10, 50, 500)
