"""Detection results for the terminal."""

import numpy as np
import pandas as pd
from rich.table import Table

from cpc_keras.detection.resampling import Judged, interval

NAMES = {
    "cpc": "CPC, fine-tuned",
    "cpc_frozen": "CPC, frozen",
    "scratch": "from scratch",
    "untrained": "untrained, frozen",
}


def summarise(cells, test):
    """Mean average precision by trunk and fraction.

    Args:
        cells: List of `(record, found)`.
        test: The examined `BoxedImages`.

    Returns:
        A `pandas.DataFrame` with `trunk`, `fraction`, `images`, `boxes`, `seeds`,
        `mean`, `lowest`, `highest` (mAP at an overlap of 0.5, over subsets; of one
        subset, its 95 % interval), `coco` (mAP over overlaps), and, of a trunk that is
        not trained from scratch, `ahead`, `ahead_low`, `ahead_high` (of the one that
        is, with its 95 % interval).
    """
    groups: dict[tuple, dict[int, tuple]] = {}
    for record, found in cells:
        judgement = Judged(found, test.boxes, len(test.class_names))
        groups.setdefault((record["trunk"], record["fraction"]), {})[record["seed"]] = (record, judgement)
    rows = []
    for (trunk, fraction), group in groups.items():
        records, judged = ([group[seed][part] for seed in sorted(group)] for part in (0, 1))
        figures = [record["map_50"] for record in records]
        mean, low, high = interval(judged)
        row = {
            "trunk": trunk,
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
        if trunk != "scratch" and shared:
            pairs = [[some[seed][1] for seed in shared] for some in (group, rival)]
            row["ahead"], row["ahead_low"], row["ahead_high"] = interval(*pairs)
        rows.append(row)
    return pd.DataFrame(rows)


def detection_table(summary):
    """A `rich.table.Table` of what `summarise` gives."""
    table = Table(title="mAP at an overlap of 0.5, % (lowest–highest; of one subset the 95 % interval)")
    table.add_column("trunk", no_wrap=True)
    fractions = summary["fraction"].unique()
    for fraction in fractions:
        row = summary[summary["fraction"] == fraction].iloc[0]
        table.add_column(f"{fraction:.0%} ({row['images']:,} images, {row['boxes']:,} boxes)", justify="right")
    for trunk in summary["trunk"].unique():
        of_trunk = summary[summary["trunk"] == trunk]
        table.add_row(trunk_name(trunk), *(_cell(of_trunk, fraction, spread_text) for fraction in fractions))
    for trunk in summary["trunk"].unique():
        of_trunk = summary[summary["trunk"] == trunk]
        if "ahead" in of_trunk and of_trunk["ahead"].notna().any():
            ahead = f"{trunk_name(trunk)}, ahead of scratch"
            table.add_row(ahead, *(_cell(of_trunk, fraction, ahead_text) for fraction in fractions))
    return table


def trunk_name(trunk):
    """What a trunk is called in tables and pictures."""
    return NAMES.get(trunk, trunk)


def _cell(rows, fraction, form):
    chosen = rows[rows["fraction"] == fraction]
    return form(chosen.iloc[0]) if len(chosen) else "–"


def spread_text(row):
    """Mean and brackets of a row of the summary, in %."""
    mean, low, high = (100 * row[name] for name in ("mean", "lowest", "highest"))
    return f"{mean:.1f}" if pd.isna(low) else f"{mean:.1f} ({low:.1f}–{high:.1f})"


def ahead_text(row):
    """By how much a row of the summary is ahead of the trunk from scratch, in points."""
    mean, low, high = (100 * row.get(name, np.nan) for name in ("ahead", "ahead_low", "ahead_high"))
    if pd.isna(mean):
        return "–"
    return f"{mean:+.1f}" if pd.isna(low) else f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
