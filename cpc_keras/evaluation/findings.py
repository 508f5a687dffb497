"""What an evaluation found, in words."""

import dataclasses

import pandas as pd

from cpc_keras.evaluation.intervals import worth
from cpc_keras.evaluation.label_table import row_name

# Regimes that use a CPC encoder are all but these.
_SCRATCH = "scratch"


@dataclasses.dataclass(frozen=True, eq=False)
class Finding:
    """The best CPC regime against the best rival at one number of labels.

    Attributes:
        labels: The number.
        budget: Its name.
        ours: Row of the summary of the best regime on the CPC encoder.
        rival: Row of the best method without it; `None` if there is none.
        ahead: `(mean, low, high)` by which ours is ahead of the rival, paired
            over subsets and images; `None` without a rival.
        factor: What pre-training is worth in labels of the supervised network.
        bound: `"equal"`, `"at least"` or `"at most"`, see `worth`.
    """

    labels: int
    budget: str
    ours: pd.Series
    rival: pd.Series | None
    ahead: tuple[float, float, float] | None
    factor: float | None
    bound: str | None

    @property
    def verdict(self):
        """`"ahead"` or `"behind"` if the interval of the difference leaves out zero, else `"level"`."""
        if self.ahead is None:
            return None
        return "ahead" if self.ahead[1] > 0 else "behind" if self.ahead[2] < 0 else "level"

    @property
    def worth_text(self):
        """The worth in words, such as `"3.2×"`, `"at least 10×"`; empty if unknown."""
        if self.factor is None:
            return ""
        number = f"{self.factor:.1f}" if self.factor < 10 else f"{self.factor:.0f}"
        return f"{number}×" if self.bound == "equal" else f"{self.bound} {number}×"


def find(results, checkpoint):
    """The findings of an evaluation, labels rising.

    Args:
        results: A `cpc_keras.evaluation.intervals.Results`.
        checkpoint: Step of the CPC encoder that is reported on.

    Returns:
        A list of `Finding`.
    """
    summary = results.summary
    ours = summary[(summary["encoder"] == "cpc") & (summary["checkpoint"] == checkpoint)]
    rivals = summary[summary["encoder"] != "cpc"]
    scratch = summary[summary["encoder"] == _SCRATCH]
    curve = list(zip(scratch["labels"], scratch["mean"], strict=True))
    findings = []
    for labels in sorted(ours["labels"].unique()):
        best, rival = _best(ours, labels), _best(rivals, labels)
        factor, bound = None, None
        if len(curve) > 1 and _best(scratch, labels) is not None:
            factor, bound = worth(best["mean"], labels, curve)
        ahead = None if rival is None else results.difference(best, rival)
        findings.append(Finding(int(labels), best["budget"], best, rival, ahead, factor, bound))
    return findings


def _best(rows, labels):
    rows = rows[rows["labels"] == labels]
    return None if rows.empty else rows.loc[rows["mean"].idxmax()]


def lead(findings, accuracy="test accuracy"):
    """The finding in one or two sentences; whether pre-training pays comes first.

    Args:
        findings: As of `find`, at least one.
        accuracy: What the figures are called.
    """
    judged = [finding for finding in findings if finding.rival is not None]
    if not judged:
        first = findings[0]
        return f"With {first.labels:,} labels, {_said(first.ours)}; nothing was there to compare it with."
    ahead = [finding for finding in judged if finding.verdict == "ahead"]
    if not ahead:
        first = judged[0]
        word = "costs accuracy" if all(one.verdict == "behind" for one in judged) else "does not pay"
        return f"On these images pre-training {word}: {_compared(first)} ({accuracy})."
    best = ahead[0]
    others = [one for one in judged if one not in ahead]
    scope = f" with {_numbers(ahead)} labels, not with {_numbers(others)}" if others else ""
    sentence = f"On these images pre-training pays{scope}: {_compared(best)} ({accuracy})."
    if best.factor is not None:
        sentence += (
            f" Pre-training is worth {best.worth_text} the labels there, counted against the network trained "
            "from scratch."
        )
    return sentence


def _compared(finding):
    mean, low, high = (100 * value for value in finding.ahead)
    return (
        f"with {finding.labels:,} labels, {_said(finding.ours)}, against {_said(finding.rival)}, a difference of "
        f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})"
    )


def _numbers(findings):
    return ", ".join(f"{finding.labels:,}" for finding in findings)


def _said(row):
    return f"{100 * row['mean']:.1f} % by “{row_name(row['method'], row['encoder'])}”"


def arrows(findings):
    """What `label_curve` draws: `(labels, accuracy, factor, text)` wherever pre-training saves labels."""
    return [
        (one.labels, one.ours["mean"], one.factor, f"{'≥ ' if one.bound == 'at least' else ''}{one.factor:.1f}×")
        for one in findings
        if one.factor is not None and one.bound != "at most" and one.factor > 1.05
    ]
