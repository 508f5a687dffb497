"""Published ImageNet figures, for comparison only: other images, other networks, other labels."""

# Accuracy in %: method, number of labels, top-1, top-5. Hénaff et al. 2019, arXiv 1905.09272 (both versions), and
# the papers that it cites.
PUBLISHED = (
    ("supervised ResNet", "1 %", None, 44.1),
    ("supervised ResNet", "10 %", None, 82.1),
    ("pseudo-labels", "1 %", None, 51.6),
    ("pseudo-labels", "10 %", None, 82.4),
    ("UDA", "10 %", None, 88.5),
    ("Rotation + VAT + entropy minimisation", "10 %", None, 91.2),
    ("CPC ResNet-170", "1 %", None, 64.0),
    ("CPC ResNet-170", "10 %", None, 84.9),
    ("CPC v2 ResNet-161", "1 %", None, 77.9),
    ("CPC v2 ResNet-161", "10 %", None, 91.2),
    ("CPC v1 ResNet-101, linear", "100 %", 48.7, 73.6),
    ("CPC ResNet-170, linear", "100 %", 61.0, 83.0),
    ("CPC v2 ResNet-50, linear", "100 %", 63.8, 85.3),
    ("CPC v2 ResNet-161, linear", "100 %", 71.5, 90.1),
)
# Top-5 in % with 1 % and 10 % of the labels, as Table 2 of the same paper compares methods; joint training with one
# pretext task, Zhai et al. 2019, arXiv 1905.03670.
LOW_LABEL_TOP5 = {
    "supervised": (44.1, 82.1),
    "pseudo_label": (51.6, 82.4),
    "vat": (44.1, 82.8),
    "vat_entropy": (47.0, 83.4),
    "uda": (None, 88.5),
    "rotation_joint": (53.4, 83.8),
    "exemplar_joint": (47.0, 83.7),
    "rotation_vat_entropy": (None, 91.2),
    "finetune": (77.9, 91.2),
}
