"""Sections of a report that look at images: where they lie, their neighbours, their patches."""

import numpy as np
from sklearn.manifold import TSNE

from cpc_keras import plots
from cpc_keras.data.image_set import to_float
from cpc_keras.data.pipeline import encoding_batches
from cpc_keras.evaluation.encoders import cpc_encoder
from cpc_keras.evaluation.feature_store import FrozenFeatures
from cpc_keras.evaluation.features import EncoderFeatures, extract, with_joined
from cpc_keras.report.page import Section
from cpc_keras.report.patch_predictions import predict_patches

# Queries that are shown, and neighbours of each.
_QUERIES, _NEIGHBOURS = 6, 7
# Images among whose patches the model predicts.
_CANDIDATE_IMAGES = 32
_PATCH_NOTE = "Each patch is encoded by itself; every augmentation is drawn anew for each."
_NEIGHBOUR_NOTE = "Left, in blue, the query; then its neighbours by cosine, nearest first."
_PREDICTION_NOTE = (
    "What the encoder is trained on. Left, an image with the patch that is asked for in blue; grey is what the "
    "context has not seen. Then the true patch with its rank among all patches of a few dozen images, and the five "
    "likeliest ones, with their probabilities; green is right."
)


def features_of(folder, recipe, model, labelled, images, chosen):
    """Features of some images by pooling: as the evaluation has stored them, where there was one."""
    if labelled is None:
        return with_joined(extract(EncoderFeatures(model), images.subset(chosen), recipe.crop))
    encoder = cpc_encoder(model)
    stored = folder.evaluation / "features"
    store = FrozenFeatures(stored, encoder.features, encoder.digest, labelled, recipe.crop).test
    store.prepare(chosen)
    return with_joined(store.of(chosen))


def picture_sections(folder, recipe, model, images, features):
    """Sections that look at images, `features` being theirs."""
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    some = images.subset(np.arange(min(_CANDIDATE_IMAGES, len(images))))
    batch = np.concatenate([np.asarray(part) for part in encoding_batches(some, _CANDIDATE_IMAGES, recipe.crop)])
    _draw_patches(model, batch[0], folder.report / "patches.png")
    plots.patch_predictions(predict_patches(model, batch, seed=recipe.seed), folder.report / "picks.png")
    _draw_neighbours(features, images, folder.report / "neighbours.png")
    sections = [
        Section("Nearest neighbours in feature space", "neighbours.png", note=_NEIGHBOUR_NOTE),
        Section("Which patch does it predict?", "picks.png", note=_PREDICTION_NOTE),
        Section("A grid of patches as the encoder sees them", "patches.png", note=_PATCH_NOTE),
    ]
    if len(images) > 3:
        points = _points(features, recipe.seed)
        plots.embedding_map(points, images.labels, images.class_names, folder.report / "embedding.png")
        note = f"{len(images):,} images by their features, laid out by t-SNE; colours are the classes, unknown to it."
        sections.insert(0, Section("Where images lie", "embedding.png", note=note))
    return sections


def _points(features, seed):
    perplexity = min(30.0, (len(features) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)


def _draw_patches(model, image, path):
    clean = model.patch_extractor(image[None])
    seen = clean if model.augmentation is None else model.augmentation(clean, training=True)
    plots.patch_grid(image, np.asarray(clean[0]), np.asarray(seen[0]), path)


def _draw_neighbours(features, images, path):
    features = features / np.linalg.norm(features, axis=1, keepdims=True)
    queries = _one_of_each(images)[:_QUERIES]
    nearest = np.argsort(-(features[queries] @ features.T), axis=1)[:, : _NEIGHBOURS + 1]

    def captioned(position):
        image = to_float(images.read(int(position)))
        name = images.class_names[images.labels[position]] if images.labels is not None else ""
        return image, name

    plots.neighbour_grid([[captioned(position) for position in row] for row in nearest], path)


def _one_of_each(images):
    """Positions of one image of each class first, then of the others."""
    if images.labels is None:
        return np.arange(len(images))
    first = np.unique(images.labels, return_index=True)[1]
    return np.concatenate([first, np.setdiff1d(np.arange(len(images)), first)])
