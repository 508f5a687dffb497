"""CPC v2, the data-efficient CPC in its last version: ResNet-161, for ImageNet.

Run:       cpc-keras pretrain imagenet_cpc_v2_resnet161 --run runs/cpc_v2_resnet161
Paper:     Hénaff et al. 2019, arXiv 1905.09272, last version.
Cost:      see `cpc-keras describe imagenet_cpc_v2_resnet161`.
Expect:    71.5 % top-1 of a linear probe, 77.9 % top-5 with 1 % of the labels, is what the paper reports; not run at
           full length by us.

As published: the three stacks of ResNet-170 (161 layers) with layer norm; all four directions, three patches ahead; for
each patch two AutoAugment primitives, elastic deformation and shear, a change of the colour histogram, Inception's
colour distortion, and grayscale (elastic deformation and shear each draw for themselves); colour dropping and mirroring
as in the step of the ablation before.

Recollected rather than read again: crop 260, patches of 80 px at stride 36 (8 px shared at offset 2, none at 3); Adam
at 4e-4 with β 0.8 and 0.999, gradients clipped at a global norm of 0.01, Polyak average 0.9999, 512 images a step
for 200 epochs, which are 500,400 steps. How often colour is dropped is our choice.
"""

data = "tfds:imagenet2012"
channels = 3
short_side = 300
crop = 260
patch_size = 80
stride = 36
encoder = "resnet161"
stacks = 3
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
ablation = {"MC": {"encoder": "resnet101"}, "LP": {"crop": 256, "patch_size": 64, "stride": 32}}
checkpoint_every = 5000
keep_milestones = True
head_blocks = 11
head_width = 4096
head_bottleneck = 1024
labels_per_class = ()
fractions = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
