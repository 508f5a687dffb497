"""What an evaluation finds of earlier ones, in words: what leaves table and report, and what stays in them."""

from collections import Counter

from cpc_keras.evaluation.methods import row_name
from cpc_keras.evaluation.recorded_labels import recorded_labels
from cpc_keras.evaluation.table import budget_name, chosen_name


def set_aside(folder, images, source):
    """What becomes of results of other labels or images, in a sentence; nothing where there are none.

    Args:
        folder: A `RunFolder`.
        images: The `LabelledImages` that it is evaluated with now.
        source: Where they come from.
    """
    described, recorded = folder.source(), recorded_labels(folder)
    if described is None or recorded is None or recorded.digest == images.digest:
        return ""
    kept = folder.cells / recorded.digest[:16]
    count = len(list(kept.glob("[!.]*.npz")))
    if not count:
        return ""
    before = described["data"]
    which, back = before, ""
    if before == source:
        which = f"{source} as it was, with other images or labels,"
    else:
        option = f"--labels {before.removeprefix('csv:')}" if described["cross_validate"] else f"--data {before}"
        back = f", and {option} brings them back"
    return (
        f"{_results(count)} of {which} will not be in table and report, once there is one of {source}; they stay in "
        f"{kept}{back}."
    )


def carried_along(records, asked):
    """What of a table nobody asked for now, in a sentence; nothing where there is nothing of the kind.

    Args:
        records: Those of the table.
        asked: Those that this evaluation asked for.
    """
    wanted = {_key(record) for record in asked}
    others = [record for record in records if _key(record) not in wanted]
    if not others:
        return ""
    methods = dict.fromkeys(row_name(record["method"], record["encoder"]) for record in others)
    counts: dict[str, Counter] = {}
    for record in sorted(others, key=lambda record: record["labels"]):
        budget = chosen_name(budget_name(record), record.get("selection"))
        counts.setdefault(budget, Counter()).update([row_name(record["method"], record["encoder"])])
    budgets = [f"{budget} ({_subsets(list(count.values()))})" for budget, count in counts.items()]
    verb = "is" if len(others) == 1 else "are"
    return (
        f"{_results(len(others))} of earlier evaluations with these labels {verb} in table and report too: "
        f"{', '.join(f'“{method}”' for method in methods)}, with {', '.join(budgets)}."
    )


def _subsets(counts):
    """How many label subsets methods have: fewer of one whose evaluation was interrupted."""
    least, most = min(counts), max(counts)
    return f"{'' if least == most else f'{least} to '}{most} subset{'s' if most > 1 else ''}"


def _results(count):
    return f"{count:,} result{'s' if count > 1 else ''}"


def _key(record):
    return tuple(record.get(name) for name in ("method", "encoder", "checkpoint", "labels", "selection", "seed"))
