"""CPC v2 with ResNet-50, for ImageNet: the small encoder of the paper's last version.

Run:       cpc-keras pretrain imagenet_cpc_v2_resnet50 --run runs/cpc_v2_resnet50
Paper:     Hénaff et al. 2019, arXiv 1905.09272, last version.
Cost:      see `cpc-keras describe imagenet_cpc_v2_resnet50`.
Expect:    63.8 % top-1 of a linear probe is what the paper reports; not run at full length by us.

All four stacks: the published 24 million weights are theirs (23.5 million by count). Everything else is as in
`imagenet_cpc_v2_resnet161`, whose docstring says what is published and what is recollected.
"""

data = "tfds:imagenet2012"
channels = 3
short_side = 300
crop = 260
patch_size = 80
stride = 36
encoder = "resnet50"
stacks = 4
stem = "large"
normalization = "layer"
offsets = (3,)
directions = ("down", "up", "right", "left")
patch_flip = 0.5
patch_primitives = 2
patch_elastic = 0.2
patch_shear = 0.2
patch_histogram = 0.2
patch_color_distortion = 0.8
patch_grayscale = 0.25
patch_color_dropping = 0.25
batch_size = 512
steps = 500_400
learning_rate = 4e-4
beta_1 = 0.8
beta_2 = 0.999
epsilon = 1e-8
schedule = "constant"
warmup_steps = 0
clip_norm = 0.01
average_decay = 0.9999
ablation = {"MC": {"encoder": "resnet18"}, "LP": {"crop": 256, "patch_size": 64, "stride": 32}}
checkpoint_every = 5000
keep_milestones = True
head_blocks = 11
head_width = 4096
head_bottleneck = 1024
labels_per_class = ()
fractions = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
