"""Letters, capital and small, in 773 typefaces: 26 classes that differ in shape alone.

Run:       make letters && cpc-keras pretrain letters --run runs/letters
Data:      40,196 gray pictures of 64 px, 27,664 of them to learn from, drawn from Debian's packages of typefaces;
           all of a typeface is in one split.
Recipe:    that of `folder`, without mirroring, which makes other letters of some, with 1, 5 and 20 labels a class
           in five subsets.
Cost:      fifteen minutes on a processor.
"""

data = "classes:.cache/letters"
channels = "auto"
short_side = "auto"
crop = "auto"
patch_size = "auto"
stride = "auto"
batch_size = "auto"
flip = False
encoder = "resnet"
widths = (64, 128, 256)
blocks = (1, 1, 1)
offsets = (2, 3)
directions = ("down", "up", "right", "left")
context_width = 128
jitter = "auto"
patch_flip = 0.0
patch_clip = False
epochs = 100
minutes = "auto"
learning_rate = 1e-3
checkpoint_every = 100
keep_milestones = True
labels_per_class = (1, 5, 20)
label_seeds = 5
