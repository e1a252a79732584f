"""What every image embedder can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # heavy at run time, and the web process imports the kinds
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    FloatArray = NDArray[np.float32]


class ImageEmbedder(Protocol):
    """A model that maps pictures to points of one fixed space.

    Vectors of two embedders are never comparable; ``name`` is stored with every vector for that
    reason.
    """

    name: str
    dimensions: int

    def embed(self, picture: Image.Image) -> FloatArray:
        """Return where the picture lies.

        Args:
            picture: an RGB picture of any size, already turned upright.

        Returns:
            float32, shape (dimensions,), length 1; the inner product of two is their cosine
            similarity.

        Raises:
            ProviderError: the model cannot be loaded (permanent).
        """
        ...
