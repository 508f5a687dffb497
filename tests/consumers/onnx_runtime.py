"""ONNX Runtime.  FILE.onnx INPUTS.npz OUTPUTS.npz"""

import sys

import numpy as np
import onnxruntime

file, inputs, outputs = sys.argv[1:]
session = onnxruntime.InferenceSession(file)
names = [output.name for output in session.get_outputs()]
found = {}
with np.load(inputs) as given:
    for name in given.files:
        if name.startswith("images"):
            values = dict(zip(names, session.run(names, {"images": given[name]}), strict=True))
            found[f"vector_{name}"] = values["feature_vector"]
            if "probabilities" in values:
                found[f"probabilities_{name}"] = values["probabilities"]
np.savez(outputs, **found)
