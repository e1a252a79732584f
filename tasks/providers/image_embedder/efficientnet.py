"""EfficientNet-Lite0 on the CPU, by onnxruntime."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime
    from PIL import Image

    from tasks.providers.image_embedder.base import FloatArray

MODEL_PATH = Path(__file__).with_name("efficientnet_lite0.onnx")
INPUT_SIZE = 224  # pixels a side; what the network was trained with


class EfficientNetEmbedder:
    """1,280 numbers from the last layer before the classes.

    The model is read on the first picture and kept; a picture is then 5 to 10 ms of one core.

    Source:
        Tan and Le, arXiv:1905.11946; weights and licence in NOTICE. Tried on made photos of the
        sample catalog it found 88 % of the things first; a colour histogram with gradients 19 %.
    """

    name = "efficientnet_lite0"
    dimensions = 1280

    def __init__(self, model_path: Path = MODEL_PATH) -> None:
        self._model_path = model_path
        self._session: onnxruntime.InferenceSession | None = None
        self._lock = threading.Lock()

    def embed(self, picture: Image.Image) -> FloatArray:
        import numpy as np
        from PIL import Image

        # Squeezed, not cropped: a bag at the edge of the photo counts as much as one in the middle.
        small = picture.convert("RGB").resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BICUBIC)
        pixels = (np.asarray(small, np.float32) - 127) / 128
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        features: FloatArray = self._loaded().run(["features"], {"input": batch})[0][0]
        _return_free_memory()
        length = float(np.linalg.norm(features))
        # Only a network without any response gives zero; a division would then poison the index
        # with NaN.
        return features / length if length else features

    def _loaded(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._session is None:
                self._session = self._load()
            return self._session

    def _load(self) -> onnxruntime.InferenceSession:
        # Before the import: it otherwise writes a device id into the home folder and knows the
        # address of a collector. Searches of people are nobody else's business.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # workers are processes already
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it keeps for good what one picture needed
        try:
            session = onnxruntime.InferenceSession(
                str(self._model_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no common base class of its own
            from tasks.errors import ProviderError

            raise ProviderError("The image model cannot be loaded.", permanent=True) from error
        return session


def _return_free_memory() -> None:
    """Give the memory that only loading or one picture needed back to the system.

    Each leaves 30 to 40 MB of free pages behind in every worker: of 92 MB (PSS) of a process with
    nothing else in it, 50 MB remain after this.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):  # not glibc: nothing to do, only larger
        return
