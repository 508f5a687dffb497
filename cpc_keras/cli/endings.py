"""What a command says when it is done: what its run weighs, and which command comes next.

Each function imports what it takes: the help needs none of it.
"""

import shlex


def evaluation_of(folder, labels=None):
    """The command that evaluates a run; with a file of labels where one was given, or its images have no classes."""
    if folder.classes_file.is_file() and not labels:
        return command_line("evaluate", folder.path)
    return f"{command_line('evaluate', folder.path)} --labels {shlex.quote(str(labels or 'FILE.csv'))}"


def after_pretraining(folder, labels=None):
    """What comes after pre-training: where nobody has labels yet, which images to label; else the evaluation."""
    evaluated = evaluation_of(folder, labels)
    if folder.classes_file.is_file() or labels:
        return evaluated
    return f"{command_line('select', folder.path, '--count', 50)}, label these, then {evaluated}"


def after_evaluation(run):
    """What comes after an evaluation, or, where there was none, that; a classifier goes along if there is one."""
    from cpc_keras.evaluation.run_labels import preferred_layer, run_records
    from cpc_keras.evaluation.table import drawn_only
    from cpc_keras.runs.folder import RunFolder

    records = run_records(RunFolder(run))
    if not records:
        return evaluation_of(RunFolder(run))
    classifier = preferred_layer(drawn_only(records))
    head = ["--with-head"] if classifier else []
    head += ["--classifier", classifier] if classifier not in (None, "linear") else []
    return command_line("export", run, "saved_models/mine", *head)


def say_weight(run, console):
    """Says what a run weighs, where that is worth saying."""
    from cpc_keras.runs.cleaning import weight_words
    from cpc_keras.runs.folder import RunFolder

    if words := weight_words(RunFolder(run)):
        console.print(f"Disk: {words}")


def command_line(*words):
    """A command, ready to be copied.

    Example:

    >>> command_line("report", "runs/my run")
    "cpc-keras report 'runs/my run'"
    """
    return f"cpc-keras {shlex.join(map(str, words))}"
