import numpy as np
import pytest

from cpc_keras.evaluation.findings import arrows, choice_words, choices, find, lead
from cpc_keras.evaluation.results import Results
from cpc_keras.evaluation.table import label_table

LABELS = np.zeros(1000, int)


def results(*rows):
    """Three subsets a row, each with the accuracy that the row names, give or take a thousandth."""
    records = []
    for method, encoder, checkpoint, labels, accuracy, *selection in rows:
        for seed in range(3):
            right = round(1000 * accuracy) + seed - 1
            record = {"method": method, "encoder": encoder, "checkpoint": checkpoint, "labels": labels, "seed": seed}
            record |= {"labels_per_class": None, "fraction": None, "top1": right / 1000, "top5": None}
            record |= {"selection": selection[0]} if selection else {}
            records.append((record, (np.arange(1000) >= right).astype(int)))
    return Results(records, LABELS)


PAYS = [
    ("linear", "cpc", 9, 50, 0.75),
    ("knn", "cpc", 9, 50, 0.70),
    ("finetune", "cpc", 9, 500, 0.85),
    ("supervised", "scratch", None, 50, 0.65),
    ("supervised", "scratch", None, 500, 0.85),
]


def test_the_best_method_meets_the_best_rival_at_each_number_of_labels():
    few, many = find(results(*PAYS, ("linear", "pixels", None, 50, 0.66)), 9)
    assert (few.ours["method"], few.rival["encoder"]) == ("linear", "pixels")
    assert (few.verdict, many.verdict) == ("ahead", "level")
    assert few.factor == pytest.approx(10**0.5) and few.worth_text == "3.2×"
    assert [round(factor, 2) for _, _, factor, _ in arrows([few, many])] == [3.16]


def test_the_first_sentence_says_whether_it_pays():
    text = lead(find(results(*PAYS), 9))
    assert text.startswith("On these images pre-training pays with 50 labels, not with 500: with 50 labels, 75.0 %")
    assert "a difference of +10.0 points (+8" in text
    assert "worth 3.2× the labels" in text


def test_a_lead_that_may_be_chance_is_called_unclear():
    unclear = [*PAYS[:2], ("finetune", "cpc", 9, 500, 0.852), *PAYS[3:]]
    text = lead(find(results(*unclear), 9))
    assert text.startswith("On these images pre-training pays with 50 labels, not clearly with 500: with 50 labels")
    text = lead(find(results(*unclear[2:]), 9))
    assert text.startswith("On these images pre-training does not clearly pay: with 500 labels, 85.2 %")
    behind = [("linear", "cpc", 9, 50, 0.6), *unclear[2:]]
    text = lead(find(results(*behind), 9))
    assert text.startswith(
        "On these images pre-training does not clearly pay with 500 labels, and costs accuracy with 50: with 500 "
        "labels, 85.2 %"
    )
    assert ". With 50 labels, 60.0 % by “CPC, frozen, linear probe”, against 65.0 %" in text


def test_where_it_costs_accuracy_is_said_wherever_it_pays_elsewhere():
    text = lead(find(results(*PAYS[:1], ("linear", "cpc", 9, 500, 0.8), *PAYS[3:]), 9))
    assert text.startswith("On these images pre-training pays with 50 labels, and costs accuracy with 500: with 50 ")
    assert ". With 500 labels, 80.0 % by “CPC, frozen, linear probe”, against 85.0 % by “supervised from" in text


def test_where_it_does_not_pay_that_comes_first():
    level = [(*row[:4], 0.65) for row in PAYS]
    assert lead(find(results(*level), 9)).startswith("On these images pre-training does not pay: with 50 labels, 65.0")
    behind = [(*row[:4], 0.6 if row[1] == "cpc" else 0.7) for row in PAYS]
    assert lead(find(results(*behind), 9)).startswith("On these images pre-training costs accuracy")


def test_without_a_rival_nothing_is_claimed():
    text = lead(find(results(*PAYS[:2]), 9))
    assert "pays" not in text and "nothing was there to compare it with" in text


def test_beyond_the_curve_a_bound_is_named():
    rows = [("linear", "cpc", 9, 50, 0.9), *PAYS[3:]]
    (finding,) = find(results(*rows), 9)
    assert finding.worth_text == "at least 10×"
    assert arrows([finding])[0][3] == "≥ 10.0×"


def test_a_number_of_labels_without_a_rival_is_passed_over():
    findings = find(results(("finetune", "cpc", 9, 20, 0.6), *PAYS), 9)
    assert findings[0].verdict is None
    assert lead(findings).startswith("On these images pre-training pays with 50 labels, not with 500:")


def test_methods_are_compared_on_the_subsets_that_both_were_given():
    """The rival was tried on the luckiest subset only; its figure there is not held against our mean over all."""
    everything = results(("linear", "cpc", 9, 50, 0.7), ("supervised", "scratch", None, 50, 0.7))
    lucky = np.zeros(1000, int)
    lucky[820:] = 1
    records = [(record, predicted) for record, predicted in everything.results if record["encoder"] == "cpc"]
    records[0] = ({**records[0][0], "top1": 0.9}, (np.arange(1000) >= 900).astype(int))
    rival = next(record for record, _ in everything.results if record["encoder"] == "scratch")
    (finding,) = find(Results([*records, ({**rival, "top1": 0.82}, lucky)], LABELS), 9)
    assert (finding.mean, finding.rival_mean) == pytest.approx((0.9, 0.82))
    assert finding.ahead[0] == pytest.approx(0.08)


CHOSEN = [
    ("linear", "cpc", 9, 50, 0.80, "typical"),
    ("supervised", "scratch", None, 50, 0.70, "typical"),
    ("supervised", "scratch", None, 500, 0.90, "typical"),
]


def test_chosen_images_change_nothing_of_what_is_said_of_drawn_ones():
    drawn, both = results(*PAYS), results(*PAYS, *CHOSEN)
    assert lead(find(both, 9)) == lead(find(drawn, 9))
    assert choices(drawn, 9) == []


def test_what_choosing_is_worth_is_counted_against_both_supervised_curves():
    (one,) = choices(results(*PAYS, *CHOSEN), 9)
    assert (one.labels, one.selection, one.drawn["mean"]) == (50, "typical", pytest.approx(0.75))
    assert one.ahead[0] == pytest.approx(0.05) and one.ahead[1] > 0
    assert [factor for _, factor, _ in one.factors] == pytest.approx([10**0.75, 10**0.5])
    assert choice_words(one).startswith("With 50 typical images in place of drawn ones, 80.0 % by “CPC, frozen, linear")
    assert choice_words(one).endswith("; worth 5.6× drawn labels and 3.2× the same labels of the supervised network.")


def test_chosen_images_have_rows_of_their_own_in_the_table():
    table = label_table(results(*PAYS, *CHOSEN).at(9, chosen=True), "test accuracy")
    names = [row.cells[0] for row in table.rows]
    assert sum("typical images" in name for name in names) == 2
    assert names.index("CPC, frozen, linear probe, typical images") > names.index("supervised from scratch")
    assert list(table.columns) == ["method", "50", "500"]
