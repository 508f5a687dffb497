"""Thirty trees of the generator, each an end in order or one line; and every file of a tree has one of three ends."""

import os
import pathlib

import pytest

from cpc_keras.data.folders import list_images
from cpc_keras.data.sources import open_source
from cpc_keras.errors import InputError
from tests.end_to_end.wild_trees import Grower, check_tree


@pytest.mark.slow
def test_commands_end_in_order_or_in_one_line(tmp_path):
    for seed in range(30):
        (tmp_path / str(seed)).mkdir()
        check_tree(seed, tmp_path / str(seed))


@pytest.mark.parametrize("seed", range(20))
def test_every_file_is_an_image_or_passed_over_or_bad(tmp_path, seed):
    tree = tmp_path / "tree"
    Grower(seed, tree).tree()
    found = list_images(tree)
    ends = {*map(os.fsencode, found.images), *map(os.fsencode, found.passed_over)}
    ends |= {os.fsencode(os.path.relpath(bad.path, tree)) for bad in found.bad}
    for folder, folders, names in os.walk(os.fsencode(tree)):
        for name in [*names, *folders]:
            one = os.path.relpath(os.path.join(folder, name), os.fsencode(tree))
            above = [os.fsencode(parent) for parent in pathlib.PurePath(os.fsdecode(one)).parents]
            passed = any(parent in ends for parent in above)
            if name in names or os.path.islink(os.path.join(folder, name)):
                assert (one in ends) + passed == 1 or b"link" in one, one
    if not found.images:
        return
    try:
        images = open_source(f"dir:{tree}", max_bad_share=1.0)
    except InputError:
        return
    assert len(images) + len(images.bad_files) == len(found.images) + len(found.bad)
