"""The backend's training step, chosen when the package is imported."""

import keras

if keras.backend.backend() == "tensorflow":
    from cpc_keras.models.tensorflow_step import TensorFlowStep as TrainingStep
else:

    class TrainingStep:  # type: ignore[no-redef]
        """Keras' own trainer serves every other backend; there a batch is the global batch."""

        def replica_offset(self, batch):
            """Place of the first image in the global batch."""
            return 0

        def all_gather(self, values):
            """The same of all replicas."""
            return values

        def all_reduce_sum(self, values):
            """The sum of a tensor over all replicas."""
            return values


__all__ = ["TrainingStep"]
