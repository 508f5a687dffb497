"""What an evaluation found, in words."""

import dataclasses

import pandas as pd

from cpc_keras.evaluation.intervals import worth
from cpc_keras.evaluation.methods import method_and_kind, row_name

# How findings are told apart, and how that is said where it comes first and where it comes later.
_VERDICTS = (
    ("ahead", "pays", "pays"),
    ("unclear", "does not clearly pay", "not clearly"),
    ("level", "does not pay", "not"),
    ("behind", "costs accuracy", "and costs accuracy"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Finding:
    """The best method on the CPC encoder against the best rival at one number of labels.

    Attributes:
        labels: The number.
        budget: Its name.
        ours: Row of the summary of the best method on the CPC encoder.
        rival: Row of the best method without it; `None` if there is none.
        mean: Accuracy of ours, on the label subsets that the rival was given too.
        rival_mean: Accuracy of the rival on these; `None` without a rival.
        ahead: `(mean, low, high)` by which ours is ahead of the rival, paired
            over subsets and images; `None` without a rival.
        factor: What pre-training is worth in labels of the supervised network.
        bound: `"equal"`, `"at least"` or `"at most"`, see `worth`.
    """

    labels: int
    budget: str
    ours: pd.Series
    rival: pd.Series | None
    mean: float
    rival_mean: float | None
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
        return _factor_text(self.factor, self.bound)


def find(results, checkpoint):
    """The findings of an evaluation, labels rising.

    Args:
        results: A `cpc_keras.evaluation.results.Results`.
        checkpoint: Step of the CPC encoder that is reported on.

    Returns:
        A list of `Finding`, empty if the encoder was not evaluated.
    """
    summary = results.summary
    # Tuned settings are of some subsets only, and have a table of their own.
    summary = summary[[method_and_kind(method)[1] is None for method in summary["method"]]]
    ours = summary[(summary["encoder"] == "cpc") & (summary["checkpoint"] == checkpoint)]
    rivals = summary[summary["encoder"] != "cpc"]
    scratch = summary[summary["method"] == "supervised"]
    curve = list(zip(scratch["labels"], scratch["mean"], strict=True))
    findings = []
    for labels in sorted(ours["labels"].unique()):
        best, rival, supervised = (_best(rows, labels) for rows in (ours, rivals, scratch))
        factor, bound = None, None
        if len(curve) > 1 and supervised is not None:
            factor, bound = worth(results.compare(best, supervised)[0], labels, curve)
        mean, rival_mean, ahead = (best["mean"], None, None) if rival is None else results.compare(best, rival)
        findings.append(
            Finding(int(labels), best["budget"], best, rival, mean, rival_mean, ahead, factor=factor, bound=bound)
        )
    return findings


@dataclasses.dataclass(frozen=True, eq=False)
class ChoiceGain:
    """What choosing the images to label is worth, at one number of labels.

    Attributes:
        labels: The number.
        selection: How they were chosen.
        chosen: Row of the summary of the best method on the CPC encoder with chosen images.
        drawn: That with drawn ones.
        ahead: `(mean, low, high)` by which the former is ahead, paired over seeds and
            images.
        factors: `(words, factor, bound)` of each supervised curve, see `worth`.
    """

    labels: int
    selection: str
    chosen: pd.Series
    drawn: pd.Series
    ahead: tuple[float, float, float]
    factors: tuple[tuple[str, float, str], ...]


def choices(results, checkpoint):
    """What choosing is worth, labels rising: a list of `ChoiceGain`, empty where nothing was chosen.

    Args:
        results: A `cpc_keras.evaluation.results.Results`.
        checkpoint: Step of the CPC encoder.
    """
    rows = results.at(checkpoint, chosen=True)
    rows = rows[[method_and_kind(method)[1] is None for method in rows["method"]]]
    ours, scratch = rows[rows["encoder"] == "cpc"], rows[rows["method"] == "supervised"]
    found = []
    for selection in sorted(set(ours["selection"]) - {""}):
        for labels in sorted(ours[ours["selection"] == selection]["labels"].unique()):
            best, drawn = (_best(ours[ours["selection"] == kind], labels) for kind in (selection, ""))
            if drawn is None or not results.shared(best, drawn):
                continue
            factors = []
            for words, kind in (("drawn labels", ""), ("the same labels", selection)):
                curve = scratch[scratch["selection"] == kind]
                if len(curve) > 1:
                    points = list(zip(curve["labels"], curve["mean"], strict=True))
                    factors.append((words, *worth(best["mean"], labels, points)))
            ahead = results.compare(best, drawn)[2]
            found.append(ChoiceGain(int(labels), selection, best, drawn, ahead, tuple(factors)))
    return found


def choice_words(one):
    """A `ChoiceGain` in a sentence."""
    mean, low, high = (100 * value for value in one.ahead)
    sentence = (
        f"With {one.labels:,} {one.selection} images in place of drawn ones, {_said(one.chosen['mean'], one.chosen)}, "
        f"against {_said(one.drawn['mean'], one.drawn)}, a difference of {mean:+.1f} points ({low:+.1f} to {high:+.1f})"
    )
    worths = [f"{_factor_text(factor, bound)} {words}" for words, factor, bound in one.factors]
    return f"{sentence}; worth {' and '.join(worths)} of the supervised network." if worths else f"{sentence}."


def _factor_text(factor, bound):
    number = f"{factor:.1f}" if factor < 10 else f"{factor:.0f}"
    return f"{number}×" if bound == "equal" else f"{bound} {number}×"


def _best(rows, labels):
    rows = rows[rows["labels"] == labels]
    return None if rows.empty else rows.loc[rows["mean"].idxmax()]


def lead(findings, accuracy="test accuracy"):
    """The findings in a few sentences; whether pre-training pays comes first, and where it costs accuracy is said too.

    Args:
        findings: As of `find`, at least one.
        accuracy: What the figures are called.
    """
    compared = [finding for finding in findings if finding.rival is not None]
    if not compared:
        first = findings[0]
        return f"With {first.labels:,} labels, {_said(first.mean, first.ours)}; nothing was there to compare it with."
    groups = [(words, [one for one in compared if _verdict_group(one) == words[0]]) for words in _VERDICTS]
    (said, leading), *others = [(words, group) for words, group in groups if group]
    scope = f" with {_numbers(leading)} labels" if others else ""
    for (_, _, word), group in others:
        scope += f", {word} with {_numbers(group)}"
    best = leading[0]
    sentence = f"On these images pre-training {said[1]}{scope}: {_compared(best)} ({accuracy})."
    if said[0] == "ahead" and best.factor is not None:
        sentence += (
            f" Pre-training is worth {best.worth_text} the labels there, counted against the network trained "
            "from scratch."
        )
    behind = next((one for (name, *_), group in others if name == "behind" for one in group), None)
    if behind is not None:
        words = _compared(behind)
        sentence += f" {words[0].upper()}{words[1:]}."
    return sentence


def _verdict_group(finding):
    """The verdict, `"unclear"` if ours is more accurate by no more than subsets and images may do by chance."""
    return "unclear" if finding.verdict == "level" and finding.ahead[0] > 0 else finding.verdict


def most_accurate(summary):
    """What is most accurate with the most labels, in a sentence.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`, of one checkpoint.
    """
    best = _best(summary, summary["labels"].max())
    return f"Most accurate with {best['labels']:,} labels: {_said(best['mean'], best)}."


def _compared(finding):
    mean, low, high = (100 * value for value in finding.ahead)
    ours, rival = _said(finding.mean, finding.ours), _said(finding.rival_mean, finding.rival)
    return (
        f"with {finding.labels:,} labels, {ours}, against {rival}, a difference of {mean:+.1f} points "
        f"({low:+.1f} to {high:+.1f})"
    )


def _numbers(findings):
    return ", ".join(f"{finding.labels:,}" for finding in findings)


def _said(mean, row):
    return f"{100 * mean:.1f} % by “{row_name(row['method'], row['encoder'])}”"


def arrows(findings):
    """What `label_curve` draws: `(labels, accuracy, factor, text)` wherever pre-training saves labels."""
    return [
        (one.labels, one.ours["mean"], one.factor, f"{'≥ ' if one.bound == 'at least' else ''}{one.factor:.1f}×")
        for one in findings
        if one.factor is not None and one.bound != "at most" and one.factor > 1.05
    ]
