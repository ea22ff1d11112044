"""The PyTorch side of `npm run bench:engine`: one JSON command a line in, one JSON answer a line out.

    {"command": "clock", "busy"}                           1 thread and processor time, or 2 and wall time
    {"command": "export", "network", "path"}               write the network with random weights as ONNX
    {"command": "open", "id", "network", "case", "layout"}  prepare a case
    {"command": "step", "id", "count"}                      run steps; answers {"ms": [...]}
    {"command": "close", "id"}
    {"command": "peak"}                                     peak resident memory of this process in MB

Cases are those of bench/engine.ts; a case named `*-cached` starts from stored activations at the cut.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models

BATCH, SIZE, CLASSES = 32, 224, 10
ADAMW = dict(lr=1e-3, weight_decay=0.01, foreach=True)




def build(name):
    """A network as (children in order, index where the last third starts, index of the classifier)."""
    if name == "resnet18":
        net = models.resnet18(num_classes=CLASSES)
        stem = [net.conv1, net.bn1, net.relu, net.maxpool]
        stages = [*stem, net.layer1, net.layer2, net.layer3, net.layer4]
        return net, [*stages, net.avgpool, nn.Flatten(1), net.fc], 7, 10
    make, third = {
        "mobilenet_v3_small": (models.mobilenet_v3_small, 9),
        "mobilenet_v2": (models.mobilenet_v2, 14),
    }[name]
    net = make(num_classes=CLASSES)
    pool = [net.avgpool] if hasattr(net, "avgpool") else [nn.AdaptiveAvgPool2d(1)]
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    stages = [*net.features, *pool, nn.Flatten(1)]
    return net, [*stages, *net.classifier], third, len(stages)


def network(name):
    torch.manual_seed(0)
    net, stages, third, head = build(name)
    for module in net.modules():
        # Equal initializers would come out of the exporter tied together.
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.9, 1.1)
            nn.init.uniform_(module.bias, -0.1, 0.1)
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.9, 1.1)
        if isinstance(module, nn.Linear):
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return net, stages, third, head


def export(name, path):
    net, *_ = network(name)
    net.eval()
    torch.onnx.export(
        net, torch.zeros(1, 3, SIZE, SIZE), path, opset_version=14,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
    )


class Case:
    def __init__(self, name, case, layout):
        net, stages, third, head = network(name)
        format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        net.to(memory_format=format)
        net.eval()
        x = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=format)
        targets = torch.softmax(torch.randn(BATCH, CLASSES), 1)
        cut = {"inference": len(stages), "classifier": head, "third": third, "all": 0}[case.split("-")[0]]
        prefix, suffix = nn.Sequential(*stages[:cut]), nn.Sequential(*stages[cut:])
        for parameter in prefix.parameters():
            parameter.requires_grad_(False)
        if case.endswith("-cached"):
            with torch.no_grad():
                x = prefix(x)
            prefix = nn.Sequential()
        if case.endswith("-batch"):
            suffix.train()
        self.prefix, self.suffix, self.x, self.targets = prefix, suffix, x, targets
        parameters = [p for p in suffix.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, **ADAMW) if parameters else None

    def step(self):
        with torch.no_grad():
            features = self.prefix(self.x)
        if self.optimizer is None:
            return features.sum().item()
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.suffix(features), self.targets)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def peak_megabytes():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024


def timed(case, clock):
    start = clock()
    case.step()
    return (clock() - start) * 1000


def answer(state, request):
    command, cases = request["command"], state["cases"]
    if command == "clock":
        torch.set_num_threads(1 if request["busy"] else 2)
        state["clock"] = time.process_time if request["busy"] else time.perf_counter
        return {}
    if command == "export":
        export(request["network"], request["path"])
        return {}
    if command == "open":
        cases[request["id"]] = Case(request["network"], request["case"], request["layout"])
        return {}
    if command == "step":
        return {"ms": [timed(cases[request["id"]], state["clock"]) for _ in range(request["count"])]}
    if command == "close":
        del cases[request["id"]]
        return {}
    return {"megabytes": peak_megabytes()}


if __name__ == "__main__":
    state = {"cases": {}, "clock": time.perf_counter}
    for line in sys.stdin:
        print(json.dumps(answer(state, json.loads(line))), flush=True)
