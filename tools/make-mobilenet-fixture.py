"""Writes test/fixtures/mobilenet_v3_narrow.safetensors: a narrow torchvision MobileNetV3-Small and
-Large with random weights, one input and torchvision's own outputs for it.

Run with a Python that has torch and torchvision: python3 tools/make-mobilenet-fixture.py
"""

import json
import struct
from pathlib import Path

import torch
from torch import nn
from torchvision.models.mobilenetv3 import MobileNetV3, _mobilenet_v3_conf

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "mobilenet_v3_narrow.safetensors"


def narrow(arch, width, image):
    settings, last = _mobilenet_v3_conf(arch, width_mult=width)
    net = MobileNetV3(settings, 32, num_classes=5)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            module.momentum = 1.0
        elif isinstance(module, nn.Linear):
            module.reset_parameters()
    # One training pass fills the running statistics, so that activations stay near 1.
    net.train()(image)
    return net.eval()


def write(path, tensors):
    header, at = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.contiguous().numpy().astype("<f4").tobytes())


torch.manual_seed(0)
image = torch.randn(2, 3, 40, 48)
tensors = {"input": image}
for kind in ("small", "large"):
    net = narrow(f"mobilenet_v3_{kind}", 0.1, image)
    for name, value in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            tensors[f"{kind}/{name}"] = value
    with torch.no_grad():
        tensors[f"{kind}/output"] = net(image)
OUT.parent.mkdir(parents=True, exist_ok=True)
write(OUT, tensors)
