"""The demo's encoder finds garments: ten classes on canvases that are composed from Fashion-MNIST.

Run:       cpc-keras detect runs/demo --recipe garments_faster_rcnn
Paper:     Hénaff et al. 2019, arXiv 1905.09272: Faster R-CNN on the encoder; Ren et al. 2015, arXiv 1506.01497.
Cost:      about an hour on two cores with bfloat16; 88 minutes on one of them.
Expect:    mAP at an overlap of 0.5 of 42.2 from 20 canvases, 70.2 from 200 and 83.5 from 2,000, against 32.3, 64.9
           and 78.6 from scratch.

The images are composed, not photographed: their boxes are exact, and there are as many as one likes.
"""

data = "tfds:garments"
short_side = None
scales = (1.0,)
max_side = None
anchor_sizes = (18, 24, 32)
rpn_width = 256
roi_size = 6
head_blocks = 2
head_width = 256
head_bottleneck = None
candidates = (500, 300)
proposals = (200, 100)
rpn_batch = 128
roi_batch = 32
batch_size = 8
steps = (500, 1200, 2500)
fractions = (0.01, 0.1, 1.0)
seeds = (3, 3, 1)
backbones = ("cpc", "scratch")
