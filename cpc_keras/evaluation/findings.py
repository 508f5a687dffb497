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
        supervised: Row of training from scratch; `None` if it was not tried.
        factor: What pre-training is worth in labels of the supervised network.
        bound: `"equal"`, `"at least"` or `"at most"`, see `worth`.
    """

    labels: int
    budget: str
    ours: pd.Series
    rival: pd.Series | None
    supervised: pd.Series | None
    factor: float | None
    bound: str | None

    @property
    def verdict(self):
        """`"ahead"` or `"behind"` if the intervals of ours and the rival lie apart, else `"level"`."""
        if self.rival is None or self.ours["low"] > self.rival["high"]:
            return "ahead"
        return "behind" if self.ours["high"] < self.rival["low"] else "level"

    @property
    def worth_text(self):
        """The worth in words, such as `"3.2×"`, `"at least 10×"`; empty if unknown."""
        if self.factor is None:
            return ""
        number = f"{self.factor:.1f}" if self.factor < 10 else f"{self.factor:.0f}"
        return f"{number}×" if self.bound == "equal" else f"{self.bound} {number}×"


def find(summary, checkpoint):
    """The findings of an evaluation, labels rising.

    Args:
        summary: As of `cpc_keras.evaluation.intervals.summarise`.
        checkpoint: Step of the CPC encoder that is reported on.

    Returns:
        A list of `Finding`.
    """
    ours = summary[(summary["encoder"] == "cpc") & (summary["checkpoint"] == checkpoint)]
    rivals = summary[summary["encoder"] != "cpc"]
    scratch = summary[summary["encoder"] == _SCRATCH]
    curve = list(zip(scratch["labels"], scratch["mean"], strict=True))
    findings = []
    for labels in sorted(ours["labels"].unique()):
        best = _best(ours, labels)
        supervised = _best(scratch, labels)
        factor, bound = (None, None)
        if supervised is not None and len(curve) > 1:
            factor, bound = worth(best["mean"], labels, curve)
        rival = _best(rivals, labels)
        findings.append(Finding(int(labels), best["budget"], best, rival, supervised, factor, bound))
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
    ahead = [finding for finding in findings if finding.verdict == "ahead" and finding.rival is not None]
    first = findings[0]
    if first.rival is None:
        return f"With {_labels(first)}, {_said(first.ours)}; nothing was there to compare it with."
    if not ahead:
        word = "costs accuracy" if all(one.verdict == "behind" for one in findings) else "does not pay"
        return (
            f"On these images pre-training {word}: with {_labels(first)}, {_said(first.ours)}, "
            f"against {_said(first.rival)} ({accuracy})."
        )
    best = ahead[0]
    others = [one for one in findings if one not in ahead]
    scope = f" with {_numbers(ahead)} labels, not with {_numbers(others)}" if others else ""
    sentence = (
        f"On these images pre-training pays{scope}: with {_labels(best)}, {_said(best.ours)}, "
        f"against {_said(best.rival)} ({accuracy})."
    )
    if best.factor is not None:
        sentence += (
            f" Pre-training is worth {best.worth_text} the labels there, counted against the network trained "
            "from scratch."
        )
    return sentence


def _labels(finding):
    return f"{finding.labels:,} labels"


def _numbers(findings):
    return ", ".join(f"{finding.labels:,}" for finding in findings)


def _said(row):
    interval = f"{100 * row['low']:.1f}–{100 * row['high']:.1f}"
    return f"{100 * row['mean']:.1f} % ({interval}) by “{row_name(row['method'], row['encoder'])}”"


def arrows(findings):
    """What `label_curve` draws: `(labels, accuracy, factor, text)` wherever pre-training saves labels."""
    return [
        (one.labels, one.ours["mean"], one.factor, f"{'≥ ' if one.bound == 'at least' else ''}{one.factor:.1f}×")
        for one in findings
        if one.factor is not None and one.bound != "at most" and one.factor > 1.05
    ]
