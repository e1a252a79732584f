"""The image model: shape, sameness, and that what looks alike lies close."""

from __future__ import annotations

import json
import os
import random
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.errors import ProviderError
from tasks.pictures import open_picture
from tasks.providers.image_embedder.efficientnet import EfficientNetEmbedder
from tasks.providers.image_embedder.photo import embed_photo

ROOT = Path(__file__).parents[3]
CATALOG = ROOT / "tasks/sample_catalog"
COFFEE = ROOT / "tests/files/coffee.jpg"
made_photo = runpy.run_path(str(ROOT / "benchmarks/retrieval.py"))["made_photo"]


@pytest.fixture(scope="module")
def embedder() -> EfficientNetEmbedder:
    return EfficientNetEmbedder()


def test_vector_has_the_promised_shape(embedder: EfficientNetEmbedder) -> None:
    photo = open_picture(COFFEE.read_bytes())
    for vector in (embedder.embed(photo), embed_photo(embedder, photo)):
        assert vector.shape == (embedder.dimensions,) == (1280,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 2), (224, 224)])
def test_any_size_and_mode_is_embedded(
    embedder: EfficientNetEmbedder, size: tuple[int, int]
) -> None:
    for mode in ("RGB", "L"):
        picture = Image.new(mode, size)
        assert np.isfinite(embed_photo(embedder, picture)).all()


def test_same_picture_gives_the_same_vector_from_any_thread(embedder: EfficientNetEmbedder) -> None:
    photo = open_picture(COFFEE.read_bytes())
    with ThreadPoolExecutor(4) as threads:
        vectors = list(threads.map(EfficientNetEmbedder().embed, [photo] * 8))
    for vector in vectors:
        assert np.array_equal(vector, embedder.embed(photo))


def test_shipped_vectors_are_those_of_the_shipped_pictures(embedder: EfficientNetEmbedder) -> None:
    products = json.loads((CATALOG / "products.json").read_text("utf-8"))
    vectors = np.load(CATALOG / "embeddings.npy").astype(np.float32)
    assert vectors.shape == (509, 1280) == (len(products), embedder.dimensions)
    for row in range(0, len(products), 50):
        picture = (CATALOG / "pictures" / products[row]["picture"]).read_bytes()
        assert embedder.embed(open_picture(picture)) @ vectors[row] > 0.999


def test_photo_of_a_thing_finds_the_thing(embedder: EfficientNetEmbedder) -> None:
    """Every tenth object; benchmarks/retrieval.py measures them all."""
    products = json.loads((CATALOG / "products.json").read_text("utf-8"))
    vectors = np.load(CATALOG / "embeddings.npy").astype(np.float32)
    dice = random.Random(7)
    ranks = []
    for row in range(0, len(products), 10):
        with Image.open(CATALOG / "pictures" / products[row]["picture"]) as picture:
            photo = open_picture(made_photo(picture, dice))
        nearness = vectors @ embed_photo(embedder, photo)
        ranks.append(int((nearness > nearness[row]).sum()))
    assert np.mean([rank < 1 for rank in ranks]) >= 0.82
    assert np.mean([rank < 5 for rank in ranks]) >= 0.94


def test_missing_model_is_a_permanent_error(tmp_path: Path) -> None:
    broken = tmp_path / "model.onnx"
    for content in (None, b"not a model"):
        if content:
            broken.write_bytes(content)
        with pytest.raises(ProviderError) as error:
            EfficientNetEmbedder(broken).embed(Image.new("RGB", (8, 8)))
        assert error.value.permanent


@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells what a process shares"
)
def test_embedding_process_stays_small() -> None:
    """A worker's child with the model loaded, in use: its own memory (PSS)."""
    program = (
        "from PIL import Image; from tasks.providers.image_embedder.efficientnet import *;"
        "embedder = EfficientNetEmbedder();"
        "[embedder.embed(Image.new('RGB', (1024, 1024))) for _ in range(5)];"
        "lines = open('/proc/self/smaps_rollup').read().split('\\n');"
        "print([int(line.split()[1]) // 1024 for line in lines if line.startswith('Pss:')][0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert int(done.stdout) < 130  # 95 when written; 45 of them are the shared libraries
