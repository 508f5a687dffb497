"""STL-10: 100,000 unlabelled photographs of 96 px, and 500 labelled ones for each of ten classes.

Run:       cpc-keras pretrain stl10 --run runs/stl10
           cpc-keras evaluate runs/stl10 --data tfds:stl10 --labels-per-class 10,50,500
Paper:     Hénaff et al. 2019, arXiv 1905.09272, sized down: layer norm, four directions, patch augmentation.
Cost:      `cpc-keras describe stl10` counts it; a day on one GPU.
Expect:    not measured yet.

Crops of 84 px in patches of 24 px at stride 12 make a grid of 6 × 6; from two patches ahead, none shares a pixel with
the last one seen. Labels are in the split `train`, so evaluation names the data set without `@unlabelled`.
"""

data = "tfds:stl10@unlabelled"
channels = 3
crop = 84
flip = True
patch_size = 24
stride = 12
encoder = "resnet34"
stem = "medium"
offsets = (2, 3)
directions = ("down", "up", "right", "left")
patch_flip = 0.5
patch_primitives = 1
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
