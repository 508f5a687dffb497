"""Object detection on an encoder: Faster R-CNN, and how well it finds.

Needs keras-hub and pycocotools: `pip install 'cpc-keras[detection]'`.
"""

import functools

from cpc_keras.extras import check_installed, on_demand

_HOMES = {"FasterRCNN": "faster_rcnn", "roi_align": "region_features"}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(
    __name__,
    _HOMES,
    functools.partial(check_installed, ("keras_hub", "pycocotools"), "detection", "cpc_keras.detection"),
)
