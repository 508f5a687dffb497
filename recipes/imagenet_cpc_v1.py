"""CPC v1: the first image model of Contrastive Predictive Coding, for ImageNet.

Run:       cpc-keras pretrain imagenet_cpc_v1 --run runs/cpc_v1
Paper:     van den Oord et al. 2018, arXiv 1807.03748, section 3.2.
Cost:      see `cpc-keras describe imagenet_cpc_v1`.
Expect:    48.7 % top-1 of a linear probe on ImageNet is what the paper reports; not run at full length by us.

As published: grey images, 256 of 300 px, mirrored at random; 7 × 7 patches of 64 px at stride 32, of which a random
60 px are kept and padded back; a pre-activation ResNet-101 without norms up to its third stack, mean-pooled to 1024
numbers; prediction downwards, up to five rows ahead; Adam at 2e-4, 32 × 16 images a step.

Ours: neighbouring rows share half their pixels, so prediction begins two rows ahead; negatives come from all 512
images rather than from the 16 of one device; the context network is that of the second paper; the paper gives no
number of steps, so it is that of the second paper's first version. Without norms, branches start at zero. Its patches
are the small ones of the ablation already.
"""

data = "tfds:imagenet2012"
channels = 1
short_side = 300
crop = 256
flip = True
patch_size = 64
stride = 32
patch_sub_crop = 60
encoder = "resnet101"
stacks = 3
stem = "large"
normalization = "none"
offsets = (2, 3, 4, 5)
directions = ("down",)
batch_size = 512
steps = 350_000
learning_rate = 2e-4
schedule = "constant"
warmup_steps = 0
ablation = {"LP": {}}
checkpoint_every = 5000
keep_milestones = True
head_blocks = 11
head_width = 4096
head_bottleneck = 1024
labels_per_class = ()
fractions = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
