"""The demo's encoder finds garments: ten classes on canvases that are composed from Fashion-MNIST.

Run:       cpc-keras detect runs/demo --recipe garments_faster_rcnn
Paper:     Hénaff et al. 2019, arXiv 1905.09272: Faster R-CNN on the encoder; Ren et al. 2015, arXiv 1506.01497.
Cost:      an hour and a half on two cores with bfloat16.
Expect:    not run whole yet. One subset each, 500 test canvases: from 20 canvases and 400 steps 39.7 mAP, against 35.7 from
           scratch; from 200 canvases and 1,000 steps 70.8.

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
trunks = ("cpc", "scratch")
