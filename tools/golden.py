"""Golden gradients and loss curves of narrow torchvision networks, computed by PyTorch in float64.

Run by hand (`python3 tools/golden.py [name ...]`) with torch 1.13 and torchvision 0.14; the files
it writes to test/fixtures/golden are committed. Each network leaves <name>.onnx (BatchNorm kept,
initializers under torchvision's names) and <name>.safetensors:

    input [N, 3, S, S], targets [N, 10]
    <mode>/loss [], <mode>/gradient/<parameter>, <mode>/adamw [10], <mode>/sgd [10]
    batch/running/<statistic>   running statistics after one step

where mode is `frozen` (BatchNorm in eval mode) or `batch` (in training mode; only where the
network has BatchNorm). Curves hold the loss before each of ten steps.
"""

import json
import struct
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import convnext, densenet, mobilenetv2, mobilenetv3, resnet, squeezenet
from torchvision.models import vision_transformer
from torchvision.ops.misc import Conv2dNormActivation

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "golden"
CLASSES = 10
STEPS = 10
ADAMW = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
SGD = dict(lr=3e-3, momentum=0.9, weight_decay=1e-3)
# Above what float32 rounding perturbs an activation by, below what a test could blame on it.
NOISE = 1e-6
STABLE = 4e-5


def narrow_resnet(block, blocks):
    class Narrow(resnet.ResNet):
        def _make_layer(self, block, planes, *args, **kwargs):
            if planes == 64:
                self.inplanes = 8
            return super()._make_layer(block, planes // 12, *args, **kwargs)

    net = Narrow(block, blocks, num_classes=CLASSES)
    net.conv1 = nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False)
    net.bn1 = nn.BatchNorm2d(8)
    net.fc = nn.Linear(512 // 12 * block.expansion, CLASSES)
    return net


def narrow_mobilenet_v2():
    setting = [[1, 8, 1, 1], [4, 12, 2, 2], [4, 16, 2, 2], [4, 24, 1, 2]]
    net = mobilenetv2.MobileNetV2(CLASSES, inverted_residual_setting=setting, round_nearest=4, dropout=0.0)
    net.features[-1] = Conv2dNormActivation(24, 64, kernel_size=1, activation_layer=nn.ReLU6)
    net.classifier[1] = nn.Linear(64, CLASSES)
    return net


def narrow_mobilenet_v3():
    setting, last = mobilenetv3._mobilenet_v3_conf("mobilenet_v3_small", width_mult=0.15)
    setting = [setting[i] for i in (0, 1, 2, 3, 6, 8, 9)]
    return mobilenetv3.MobileNetV3(setting, last_channel=64, num_classes=CLASSES, dropout=0.0)


def narrow_squeezenet():
    net = squeezenet.SqueezeNet("1_1", num_classes=CLASSES, dropout=0.0)
    fire, pool = squeezenet.Fire, lambda: nn.MaxPool2d(3, stride=2, ceil_mode=True)
    net.features = nn.Sequential(
        nn.Conv2d(3, 12, 3, stride=2), nn.ReLU(inplace=True), pool(),
        fire(12, 6, 12, 12), fire(24, 6, 12, 12), pool(),
        fire(24, 8, 16, 16), fire(32, 8, 16, 16),
    )
    net.classifier[1] = nn.Conv2d(32, CLASSES, 1)
    return net


def narrow_convnext():
    stages = [(8, 16, 1), (16, 24, 1), (24, 32, 2), (32, None, 1)]
    return convnext.ConvNeXt(
        [convnext.CNBlockConfig(*stage) for stage in stages], layer_scale=0.5, num_classes=CLASSES
    )


# name -> (network, input size, batch, opset); opsets differ so that every exporter style is met
NETWORKS = {
    "resnet": (lambda: narrow_resnet(resnet.BasicBlock, [1, 1, 1, 1]), 64, 4, 13),
    "resnet_bottleneck": (lambda: narrow_resnet(resnet.Bottleneck, [1, 1, 1, 1]), 64, 4, 11),
    "mobilenet_v2": (narrow_mobilenet_v2, 48, 4, 13),
    "mobilenet_v3_small": (narrow_mobilenet_v3, 64, 4, 14),
    "squeezenet": (narrow_squeezenet, 48, 4, 11),
    "densenet": (
        lambda: densenet.DenseNet(4, (2, 2, 2, 2), 8, bn_size=2, num_classes=CLASSES), 64, 4, 13),
    "convnext": (narrow_convnext, 64, 2, 13),
    "vit": (
        lambda: vision_transformer.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=CLASSES), 32, 4, 17),
}


def initialise(net):
    """Values all different from each other: exporters tie equal initializers together."""
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.uniform_(module.bias, -0.3, 0.3)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.6, 1.4)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.uniform_(module.bias, -0.1, 0.1)
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in")
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
    for name, parameter in net.named_parameters():
        if name.endswith(("in_proj_bias", "class_token")):
            nn.init.uniform_(parameter, -0.2, 0.2)
        if name.endswith("layer_scale"):
            nn.init.uniform_(parameter, 0.3, 0.7)


def set_mode(net, mode):
    """Only BatchNorm learns its statistics; dropout stays off in both modes."""
    net.eval()
    if mode == "batch":
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train()


def loss_of(net, x, targets):
    return F.cross_entropy(net(x), targets)


def gradients(net, state, mode, x, targets):
    net.load_state_dict(state)
    set_mode(net, mode)
    net.zero_grad(set_to_none=True)
    loss = loss_of(net, x, targets)
    loss.backward()
    running = {k: v.detach().clone() for k, v in net.state_dict().items() if "running_" in k}
    return loss.detach(), {k: p.grad.clone() for k, p in net.named_parameters()}, running


def curve(net, state, mode, x, targets, make_optimizer):
    net.load_state_dict(state)
    set_mode(net, mode)
    optimizer = make_optimizer(net.parameters())
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(net, x, targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def far_from_kinks(net, state, mode, x, targets, reference):
    """Whether no ReLU mask or pooling winner flips under noise of float32's size."""
    worst = 0.0
    for _ in range(3):
        noisy = x * (1 + NOISE * torch.randn_like(x))
        _, found, _ = gradients(net, state, mode, noisy, targets)
        for name, gradient in found.items():
            expected = reference[f"gradient/{name}"]
            scale = expected.abs().max()
            if scale > 1e-9:
                worst = max(worst, float((gradient - expected).abs().max() / scale))
    return worst < STABLE


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, **ADAMW),
    "sgd": lambda p: torch.optim.SGD(p, **SGD),
}


def compute(net, state, mode, x, targets):
    loss, grads, running = gradients(net, state, mode, x, targets)
    found = {"loss": loss}
    found |= {f"gradient/{name}": gradient for name, gradient in grads.items()}
    if mode == "batch":
        found |= {f"running/{name}": value for name, value in running.items()}
    for name, make in OPTIMIZERS.items():
        found[name] = curve(net, state, mode, x, targets, make)
    return found


def float32_suffices(exact, rounded):
    """Whether PyTorch's own float32 stays near float64, so that a difference is a fault."""
    scale = max(float(v.abs().max()) for k, v in exact.items() if k.startswith("gradient/"))
    for name, value in exact.items():
        if name in OPTIMIZERS:
            error = ((rounded[name].double() - value) / value).abs().max()
        else:
            largest = float(value.abs().max())
            error = (rounded[name].double() - value).abs().max() / (largest if largest > 1e-9 * scale else scale)
        if float(error) > STABLE / 2:
            return False
    return True


def golden(name):
    make, size, batch, opset = NETWORKS[name]
    for seed in range(1000):
        torch.manual_seed(seed)
        net = make()
        initialise(net)
        modes = ["frozen"]
        if any(isinstance(module, nn.BatchNorm2d) for module in net.modules()):
            modes.append("batch")
        x = torch.randn(batch, 3, size, size)
        targets = torch.softmax(2 * torch.randn(batch, CLASSES), 1)
        single = {k: v.clone() for k, v in net.state_dict().items()}
        net.double()
        state = {k: v.double() if v.is_floating_point() else v for k, v in single.items()}
        # What the test feeds is float32, so the float64 run starts from exactly those numbers.
        x64, targets64 = x.double(), targets.double()
        exact = {mode: compute(net, state, mode, x64, targets64) for mode in modes}
        net.float()
        rounded = {mode: compute(net, single, mode, x, targets) for mode in modes}
        net.double()
        if not all(float32_suffices(exact[mode], rounded[mode]) for mode in modes):
            continue
        if all(far_from_kinks(net, state, mode, x64, targets64, exact[mode]) for mode in modes):
            break
    else:
        raise SystemExit(f"{name}: no seed keeps clear of the kinks")

    tensors = {"input": x, "targets": targets}
    tensors |= {f"{mode}/{key}": value for mode in modes for key, value in exact[mode].items()}
    write_safetensors(OUT / f"{name}.safetensors", tensors, {"modes": ",".join(modes), "seed": str(seed)})

    net.float().load_state_dict(single)
    net.eval()
    torch.onnx.export(
        net, x, str(OUT / f"{name}.onnx"), opset_version=opset,
        # PRESERVE skips the exporter's own folding of BatchNorm into convolutions.
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
    )
    count = sum(p.numel() for p in net.parameters())
    print(f"{name}: seed {seed}, {count} parameters")


def write_safetensors(path, tensors, metadata):
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or NETWORKS:
        golden(name)
