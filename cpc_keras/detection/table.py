"""Detection results as rows and columns."""

import numpy as np
import pandas as pd

from cpc_keras.detection.resampling import ScoredDetections, map_interval
from cpc_keras.evaluation.table import percent, points
from cpc_keras.tables import Table

# From a field's name in records and summaries of version 0.1 to its present one.
FORMER_FIELDS = {"trunk": "backbone"}
NAMES = {
    "cpc": "CPC, fine-tuned",
    "cpc_frozen": "CPC, frozen",
    "scratch": "from scratch",
    "untrained": "untrained, frozen",
}


def summarise(results, test):
    """Mean average precision by backbone and fraction.

    Args:
        results: List of `(record, detections)`.
        test: The test `BoxedImages`.

    Returns:
        A `pandas.DataFrame` with `backbone`, `fraction`, `images`, `boxes`, `seeds`,
        `mean`, `lowest`, `highest` (mAP at an overlap of 0.5, over subsets; of one
        subset, its 95 % interval), `coco` (mAP over overlaps), and, of a backbone that is
        not trained from scratch, `ahead`, `ahead_low`, `ahead_high` (of the one that
        is, with its 95 % interval).
    """
    groups: dict[tuple, dict[int, tuple]] = {}
    for record, detections in results:
        scored = ScoredDetections(detections, test.boxes, len(test.class_names))
        groups.setdefault((record["backbone"], record["fraction"]), {})[record["seed"]] = (record, scored)
    rows = []
    for (backbone, fraction), group in groups.items():
        records, by_subset = ([group[seed][part] for seed in sorted(group)] for part in (0, 1))
        figures = [record["map_50"] for record in records]
        mean, low, high = map_interval(by_subset)
        row = {
            "backbone": backbone,
            "fraction": fraction,
            "images": records[0]["images"],
            "boxes": records[0]["boxes"],
            "seeds": len(records),
            "mean": mean,
            "lowest": min(figures) if len(figures) > 1 else np.maximum(low, 0.0),
            "highest": max(figures) if len(figures) > 1 else np.minimum(high, 1.0),
            "coco": sum(record["coco"]["map"] for record in records) / len(records),
        }
        rival = groups.get(("scratch", fraction), {})
        shared = sorted(set(group) & set(rival))
        if backbone != "scratch" and shared:
            pairs = [[some[seed][1] for seed in shared] for some in (group, rival)]
            row["ahead"], row["ahead_low"], row["ahead_high"] = map_interval(*pairs)
        rows.append(row)
    return pd.DataFrame(rows)


def detection_table(summary):
    """A `Table` of what `summarise` gives."""
    columns = summary.drop_duplicates("fraction").sort_values("fraction")
    heads = [
        f"{row['fraction']:.0%} ({row['images']:,} images, {row['boxes']:,} boxes)" for _, row in columns.iterrows()
    ]
    title = "mAP at an overlap of 0.5, % (lowest–highest; of one subset the 95 % interval)"
    table = Table(["backbone", *heads], title, unbroken=(0,))
    for backbone, rows in summary.groupby("backbone", sort=False):
        by_fraction = {row["fraction"]: row for _, row in rows.iterrows()}

        def cells(form, by_fraction=by_fraction):
            return [form(by_fraction[one]) if one in by_fraction else "–" for one in columns["fraction"]]

        table.add(backbone_name(backbone), *cells(_spread), ours=str(backbone).startswith("cpc"))
        if "ahead" in rows and rows["ahead"].notna().any():
            table.add(f"{backbone_name(backbone)}, ahead of scratch by (95 % interval)", *cells(_ahead))
    return table


def backbone_name(backbone):
    """What a backbone is called in tables and pictures."""
    return NAMES.get(backbone, backbone)


def _spread(row):
    """Mean and brackets of a row of the summary, in %."""
    mean, low, high = (row[name] for name in ("mean", "lowest", "highest"))
    return f"{100 * mean:.1f}" if pd.isna(low) else percent(mean, low, high)


def _ahead(row):
    """By how much a row of the summary is ahead of the backbone from scratch, in points."""
    mean, low, high = (row.get(name, np.nan) for name in ("ahead", "ahead_low", "ahead_high"))
    if pd.isna(mean):
        return "–"
    return f"{100 * mean:+.1f}" if pd.isna(low) else points((mean, low, high))
