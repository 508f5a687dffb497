"""The backend's training step, chosen when the package is imported."""

import keras

if keras.backend.backend() == "tensorflow":
    from cpc_keras.models.tensorflow_step import TensorFlowStep as TrainingStep
else:

    class TrainingStep:  # type: ignore[no-redef]
        """Keras' own trainer serves every other backend."""


__all__ = ["TrainingStep"]
