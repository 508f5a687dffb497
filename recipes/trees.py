"""Aerial photographs of trees: an encoder for finding crowns, from a handful of images.

Run:       cpc-keras pretrain trees --data dir:FOLDER
Then:      cpc-keras detect runs/trees --recipe trees_faster_rcnn --data voc:FOLDER --test voc:OTHER
Paper:     Hénaff et al. 2019, arXiv 1905.09272, at a crown's size.
Cost:      about a quarter of an hour on two cores with bfloat16.
Expect:    a loss of 4.9 (6.7 by chance); grass looks like grass, so the accuracy of the task is 6 %.

At 10 cm a pixel a crown measures some 40 px: a patch is a part of one, and what lies two strides on may be its other
half. Patches of 24 px under stronger augmentation (each mirrored by itself, colours changed more often) learned less: a
loss of 5.5 after 1,500 steps. Images of thousands of pixels a side are cut into tiles first, so that every step sees
many places.
"""

data = "dir:.cache/trees/unlabelled"
tile = 80
channels = 3
crop = 64
flip = True
patch_size = 16
stride = 8
encoder = "resnet"
widths = (64, 128)
blocks = (2, 2)
stem = "medium"
offsets = (2, 3)
directions = ("down", "up", "right", "left")
context_width = 128
patch_color_distortion = 0.5
patch_grayscale = 0.25
batch_size = 16
steps = 3000
learning_rate = 2e-3
checkpoint_every = 500
