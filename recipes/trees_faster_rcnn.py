"""Tree crowns in aerial photographs, from one annotated image.

Run:       cpc-keras detect runs/trees --recipe trees_faster_rcnn
Data:      the annotated photographs that the Python package deepforest 2.1.0 carries along (NEON, MIT licence);
           `make trees` puts them where this recipe looks: one image with 574 crowns to train on, another with 279 to test
           on.
Cost:      about a quarter of an hour a backbone on two cores with bfloat16.
Expect:    average precision at an overlap of 0.5 of 21.8 with the CPC backbone, 17.4 from scratch, 3.4 untrained and
           frozen.

The test photograph was taken in another light: without `color_jitter` a first attempt ended at 2.0. Tiles overlap
by more than a crown's size, and what they find is put together again. Turned and mirrored images are as good as any:
there is no up.
"""

data = "voc:.cache/trees/train"
test = "voc:.cache/trees/test"
short_side = None
scales = (0.8, 0.9, 1.0, 1.1, 1.25)
max_side = None
tile = 256
tile_overlap = 96
turn = True
color_jitter = 0.6
anchor_ratios = (0.7, 1.0, 1.4)
rpn_width = 128
roi_size = 8
head_blocks = 2
head_width = 128
head_bottleneck = None
candidates = (1000, 600)
proposals = (300, 150)
rpn_batch = 128
roi_batch = 64
overlap_threshold = 0.4
batch_size = 4
steps = 2000
backbones = ("cpc", "scratch", "untrained")
