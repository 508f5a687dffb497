"""An evaluation as rows and columns, for whoever shows it."""

from cpc_keras.evaluation.methods import method_and_kind, row_name
from cpc_keras.tables import Cell, Table

# What stands in brackets for several label subsets, and for one.
_MANY, _ONE = "lowest–highest", "of one, the 95 % interval"


def budget_name(record):
    """What the budget of a record is called.

    Example:

    >>> budget_name({"labels": 600, "labels_per_class": None, "fraction": 0.01})
    '1 % (600)'
    """
    if record["labels_per_class"]:
        return f"{record['labels_per_class']} a class"
    return f"{100 * record['fraction']:.3g} % ({record['labels']:,})" if record["fraction"] else f"{record['labels']:,}"


def chosen_name(name, selection):
    """The name of a row, with how its images were chosen, if they were.

    Example:

    >>> chosen_name("CPC, frozen, kNN", ""), chosen_name("CPC, frozen, kNN", "typical")
    ('CPC, frozen, kNN', 'CPC, frozen, kNN, typical images')
    """
    return f"{name}, {selection} images" if selection else name


def drawn_only(records):
    """The records of labels that were drawn, not chosen."""
    return [record for record in records if not record.get("selection")]


def at_checkpoint(records, step):
    """The records of the CPC encoder at one step, and of everything that it is compared with."""
    return [record for record in records if record["encoder"] != "cpc" or record["checkpoint"] == step]


def budgets_of(summary):
    """Dictionary from each number of labels, rising, to the name of its budget.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`.
    """
    rising = summary.sort_values("labels")
    return dict(zip(rising["labels"], rising["budget"], strict=True))


def percent(mean, low, high, best=False):
    """A `Cell` of rates in `[0, 1]`: the mean, and in brackets where it may lie."""
    return Cell(f"{100 * mean:.1f}", f"({100 * low:.1f}–{100 * high:.1f})", best)


def points(difference):
    """A difference of rates `(mean, low, high)` with its interval, in points.

    Example:

    >>> points((0.014, 0.002, 0.026))
    '+1.4 (+0.2 to +2.6)'
    """
    mean, low, high = (100 * value for value in difference)
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def figure_line(name, records, figure):
    """The figures of a method as they have come in: means over label subsets, by budget.

    Args:
        name: What the method is called.
        records: Its records, labels rising.
        figure: Which of their figures.

    Example:

    >>> one = {"labels": 6, "labels_per_class": 2, "fraction": None, "top1": 0.6}
    >>> more = {"labels": 12, "labels_per_class": 4, "fraction": None, "top1": 0.75}
    >>> figure_line("CPC, frozen, kNN", [one, {**one, "top1": 0.7}, more], "top1")
    'CPC, frozen, kNN: 65.0 % with 2 a class, 75.0 % with 4 a class'
    """
    rates: dict[str, list[float]] = {}
    for record in records:
        rates.setdefault(chosen_name(budget_name(record), record.get("selection")), []).append(record[figure])
    means = [f"{100 * sum(found) / len(found):.1f} % with {budget}" for budget, found in rates.items()]
    return f"{name}: {', '.join(means)}"


def fewer_subsets(summary):
    """Which figures are means of fewer label subsets than others of as many labels, in a sentence; else nothing.

    An evaluation was interrupted, or asked for fewer. Tuned settings are of the subsets
    that they were found in.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`, of one
            checkpoint.
    """
    rows = summary.loc[[method_and_kind(method)[1] is None for method in summary["method"]]]
    rows = rows.assign(most=rows.groupby("labels")["seeds"].transform("max"))
    parts = [
        f"{row_name(row['method'], row['encoder'])}, {row['budget']} ({row['seeds']} of {row['most']})"
        for _, row in rows[rows["seeds"] < rows["most"]].iterrows()
    ]
    return f"Of fewer label subsets than others: {'; '.join(parts)}." if parts else ""


def in_brackets(summary):
    """What stands in the brackets of a table.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`.

    Example:

    >>> import pandas as pd
    >>> in_brackets(pd.DataFrame({"seeds": [3, 1]}))
    'lowest–highest; of one, the 95 % interval'
    """
    seeds = summary["seeds"]
    return "; ".join(kind for kind, any_such in ((_MANY, seeds.max() > 1), (_ONE, seeds.min() == 1)) if any_such)


def label_table(summary, name):
    """A `Table` with a row a method and encoder, and a column a number of labels.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`, of one
            checkpoint.
        name: What the figures are called.
    """
    budgets = budgets_of(summary)
    title = f"{name[0].upper()}{name[1:]}, %: mean over label subsets ({in_brackets(summary)})"
    # Brackets stay in one piece where so many fit into 80 characters; figures are folded before one is lost.
    unbroken = len("(61.9–65.8)") if len(budgets) <= 5 else None
    table = Table(["method", *budgets.values()], title, min_width=unbroken)
    best = summary.groupby("labels")["mean"].max()
    for (method, encoder, selection), group in summary.groupby(["method", "encoder", "selection"], sort=False):
        said = {
            row["labels"]: percent(row["mean"], row["lowest"], row["highest"], row["mean"] == best[row["labels"]])
            for _, row in group.iterrows()
        }
        table.add(
            chosen_name(row_name(method, encoder), selection),
            *(said.get(labels, "–") for labels in budgets),
            ours=encoder == "cpc",
        )
    return table
