"""Your own folder of images, without labels: geometry and batch are chosen from the images and the machine.

Run:       cpc-keras pretrain folder --data dir:PATH/TO/IMAGES --run runs/mine
Paper:     patches overlap by half as in CPC v1 (van den Oord et al. 2018, arXiv 1807.03748); layer
           normalisation, all four directions and per-patch augmentation as in the data-efficient CPC
           (Hénaff et al. 2019, arXiv 1905.09272).
Cost:      fifteen minutes on a processor (`--minutes 60` for more, `--set epochs=100` for whole passes), where two
           cores see about 90 crops of 96 px a second with the encoder below; 100 epochs on an accelerator.
Expect:    a loss well below chance after the first tenth of the steps; the health line says so in words.

"auto" becomes: small images (short side up to 40 px) as they are, larger ones shrunk so that a crop of
96 px fits (256 px on a GPU or TPU); patches of two strides, so that no predicted patch shares pixels
with the last one seen; a batch of 32 (128), at most a quarter of the images. What was chosen is printed.
"""

data = "dir:images"
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
