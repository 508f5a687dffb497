"""Faster R-CNN on a pre-trained encoder, PASCAL VOC 2007: the paper's transfer.

Run:       cpc-keras detect RUN --recipe voc2007_faster_rcnn --data voc:VOCdevkit/VOC2007
Paper:     Hénaff et al. 2019, arXiv 1905.09272: the encoder in place of the backbone of stride 16, images of a short
           side of 600 px, Faster R-CNN "without any modification" (Ren et al. 2015, arXiv 1506.01497).
Cost:      days of a GPU with ResNet-170; the backbone alone takes some 5 TFLOP forwards and backwards for an
           image.
Expect:    72.1 mAP with ResNet-170, 70.6 with CPC's first ResNet-101; a supervised ResNet-152 had 74.7 (all as published).

Images go one by one: they are of many sizes, and padding would reach the statistics of layer norm. Anchors, sampling
and thresholds are those of Ren et al.; the head is the fourth stack of a ResNet-50. The schedule is not published, so
it is this package's: AdamW with warm-up and cosine decay. Trains on trainval, is tested on test, and prints the
11-point figure of VOC 2007 beside the area.
"""

data = "voc:VOCdevkit/VOC2007"
short_side = 600
scales = (0.8, 0.9, 1.0, 1.1, 1.25)
max_side = 1000
flip = True
anchor_sizes = (128, 256, 512)
anchor_ratios = (0.5, 1.0, 2.0)
rpn_width = 512
roi_size = 14
head_blocks = 3
head_width = 2048
head_bottleneck = 512
candidates = (12000, 6000)
proposals = (2000, 300)
rpn_batch = 256
roi_batch = 128
batch_size = 1
steps = 140000
learning_rate = 1e-4
checkpoint_every = 2000
backbones = ("cpc", "scratch")
