"""Object detection on an encoder: Faster R-CNN, and how well it finds.

Needs keras-hub and pycocotools: `pip install 'cpc-keras[detection]'`.
"""

import importlib

# Imported when first asked for: tables are drawn without keras-hub, which takes seconds to wake.
_HOMES = {"FasterRCNN": "faster_rcnn", "roi_align": "region_features"}

__all__ = list(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f"cpc_keras.detection.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'cpc_keras.detection' has no attribute {name!r}")
