"""Pictograms of two vendors in nine uneven categories: what people's folders look like.

Run:       make pictograms && cpc-keras pretrain pictograms --run runs/pictograms
Data:      3,812 pictures in color of 64 px, 2,564 of them to learn from; both drawings of one thing are in one
           split. 85 to 386 things a category, from `emoji-datasource-google` and `-twitter` 16.0.0 of npm
           (images under Apache-2.0 and CC-BY 4.0).
Recipe:    that of `folder`, with 1, 5 and 20 labels a class in five subsets.
Cost:      fifteen minutes on a processor.
"""

data = "classes:.cache/pictograms"
channels = "auto"
short_side = "auto"
crop = "auto"
patch_size = "auto"
stride = "auto"
batch_size = "auto"
flip = True
encoder = "resnet"
widths = (64, 128, 256)
blocks = (1, 1, 1)
offsets = (2, 3)
directions = ("down", "up", "right", "left")
context_width = 128
jitter = "auto"
patch_flip = 0.5
patch_clip = False
epochs = 100
minutes = "auto"
learning_rate = 1e-3
checkpoint_every = 100
keep_milestones = True
labels_per_class = (1, 5, 20)
label_seeds = 5
