"""What arrived in a tracker, read from the files that it wrote into the working directory."""

import json
import pathlib
from typing import NamedTuple

import wandb
from mlflow import MlflowClient
from wandb.proto.wandb_internal_pb2 import Record

# W&B's files are LevelDB's logs: blocks of so many bytes, the first seven of all a header. A record, or a part of one,
# has a header of four bytes of checksum, two of length and one of what part it is.
_BLOCK, _FILE_HEADER, _HEADER = 32768, 7, 7
_WHOLE, _LAST = 1, 4


class Arrived(NamedTuple):
    """Of the one run that is there: parameters as texts, rows by step, figures, and files by place."""

    run: str
    name: str
    parameters: dict
    rows: list
    figures: dict
    files: set


def in_mlflow():
    """By MLflow's own client."""
    client = MlflowClient()
    (run,) = client.search_runs(["0"])
    names = {name for name in run.data.metrics if "/" not in name}
    history = {name: client.get_metric_history(run.info.run_id, name) for name in names}
    steps = [point.step for point in history.get("loss", ())]
    assert all([point.step for point in points] == steps for points in history.values())
    rows = [(step, {name: history[name][place].value for name in names}) for place, step in enumerate(steps)]
    figures = {name: value for name, value in run.data.metrics.items() if "/" in name}
    files = set(_files(client, run.info.run_id))
    return Arrived(run.info.run_id, run.info.run_name, run.data.params, rows, figures, files)


def _files(client, run, folder=None):
    for one in client.list_artifacts(run, folder):
        yield from _files(client, run, one.path) if one.is_dir else [one.path]


def in_wandb():
    """Record by record, for what is offline no client reads."""
    wandb.teardown()  # its process writes the rest
    found, arrived = records("wandb"), Arrived("", "", {}, [], {}, set())
    for record in found:
        if record.HasField("run"):
            assert arrived.run in ("", record.run.run_id)
            arrived = arrived._replace(run=record.run.run_id, name=arrived.name or record.run.display_name)
        if record.HasField("config"):
            for item in record.config.update:
                arrived.parameters[item.key] = str(json.loads(item.value_json))
        if record.HasField("history"):
            row = {_key(item): json.loads(item.value_json) for item in record.history.item}
            arrived.rows.append((record.history.step.num, {n: v for n, v in row.items() if not n.startswith("_")}))
        if record.HasField("summary"):
            figures = {_key(item): json.loads(item.value_json) for item in record.summary.update}
            arrived.figures.update({name: value for name, value in figures.items() if name.count("/") > 1})
        if record.HasField("artifact"):
            place = record.artifact.name.removesuffix(f"-{arrived.run}")
            arrived.files.update(f"{place}/{one.path}" for one in record.artifact.manifest.contents)
    return arrived


def _key(item):
    return item.key or "/".join(item.nested_key)


def records(folder):
    """Every `Record` of the offline runs in a folder, the first run first."""
    found = []
    for path in sorted(pathlib.Path(folder).glob("offline-run-*/run-*.wandb")):
        found += _records(path.read_bytes())
    return found


def _records(content):
    position, parts = _FILE_HEADER, b""
    while position + _HEADER <= len(content):
        room = _BLOCK - position % _BLOCK
        if room < _HEADER:
            position += room
            continue
        length, kind = int.from_bytes(content[position + 4 : position + 6], "little"), content[position + 6]
        parts += content[position + _HEADER : position + _HEADER + length]
        position += _HEADER + length
        if kind in (_WHOLE, _LAST):
            yield Record.FromString(parts)
            parts = b""
