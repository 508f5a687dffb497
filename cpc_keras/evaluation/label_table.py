"""An evaluation as rows and columns, for whoever shows it."""

from rich import box
from rich.table import Table

_METHODS = {
    "finetune": "fine-tuned",
    "resnet": "frozen, ResNet head",
    "linear": "frozen, linear probe",
    "linear_v1": "frozen, linear probe on the mean (v1)",
    "linear_v2": "frozen, linear probe on every location (v2)",
    "knn": "frozen, kNN",
}
# A setting that `cpc-keras tune` found, and the one that it is compared with.
SETTINGS = {"tuned": "tuned", "default": "default setting"}
# What stands in brackets for several label subsets, and for one.
_MANY, _ONE = "lowest–highest", "of one, the 95 % interval"
_ENCODERS = {"cpc": "CPC", "untrained": "untrained encoder", "pixels": "raw pixels"}


def regime_of(method):
    """`(regime, kind)`: what a method trains, and whether its setting was found; `None` where it chose it itself.

    Example:

    >>> regime_of("linear_tuned"), regime_of("linear_v1")
    (('linear', 'tuned'), ('linear_v1', None))
    """
    regime, _, kind = method.rpartition("_")
    return (regime, kind) if kind in SETTINGS else (method, None)


def row_name(method, encoder):
    """What a row of a table is called.

    Example:

    >>> row_name("linear", "cpc"), row_name("knn", "pixels"), row_name("supervised", "scratch")
    ('CPC, frozen, linear probe', 'raw pixels, kNN', 'supervised from scratch')
    >>> row_name("linear_tuned", "cpc")
    'CPC, frozen, linear map, tuned'
    """
    regime, kind = regime_of(method)
    if kind:
        return f"{row_name(regime, encoder).replace('linear probe', 'linear map')}, {SETTINGS[kind]}"
    if method == "supervised":
        return "supervised from scratch"
    name = _METHODS[method]
    return f"{_ENCODERS.get(encoder, encoder)}, {name if encoder == 'cpc' else name.removeprefix('frozen, ')}"


def budget_name(record):
    """What the budget of a record is called.

    Example:

    >>> budget_name({"labels": 600, "labels_per_class": None, "fraction": 0.01})
    '1 % (600)'
    """
    if record["labels_per_class"]:
        return f"{record['labels_per_class']} a class"
    return f"{100 * record['fraction']:g} % ({record['labels']:,})" if record["fraction"] else f"{record['labels']:,}"


def at_checkpoint(records, step):
    """The records of the CPC encoder at one step, and of everything that it is compared with."""
    return [record for record in records if record["encoder"] != "cpc" or record["checkpoint"] == step]


def budgets_of(summary):
    """Dictionary from each number of labels, rising, to the name of its budget.

    Args:
        summary: That of `cpc_keras.evaluation.intervals.Results`.
    """
    rising = summary.sort_values("labels")
    return dict(zip(rising["labels"], rising["budget"], strict=True))


def label_table(summary, name):
    """A `rich` table with a row a regime and a column a number of labels.

    Args:
        summary: That of `cpc_keras.evaluation.intervals.Results`, of one
            checkpoint.
        name: What the figures are called.
    """
    budgets = budgets_of(summary)
    seeds = summary["seeds"]
    kinds = [kind for kind, any_such in ((_MANY, seeds.max() > 1), (_ONE, seeds.min() == 1)) if any_such]
    title = f"{name[0].upper()}{name[1:]}, %: mean over label subsets ({'; '.join(kinds)})"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("method")
    # Brackets stay in one piece where so many fit into 80 characters; figures are folded before one is lost.
    unbroken = len("(61.9–65.8)") if len(budgets) <= 5 else None
    for budget in budgets.values():
        table.add_column(budget, justify="right", min_width=unbroken, overflow="fold")
    for (method, encoder), group in summary.groupby(["method", "encoder"], sort=False):
        said = {
            row["labels"]: "{:.1f} ({:.1f}–{:.1f})".format(*(100 * row[["mean", "lowest", "highest"]]))
            for _, row in group.iterrows()
        }
        table.add_row(row_name(method, encoder), *(said.get(labels, "–") for labels in budgets))
    return table
