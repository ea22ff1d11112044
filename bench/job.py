"""The main job done the way PyTorch's transfer-learning tutorial does it.

Reads one JSON object from standard input:
  weights   safetensors file with torchvision's names (mobilenet_v3_small)
  root      folder of the pictures
  classes   number of classes
  train     list of [path relative to root, label]
  test      list of [path relative to root, label]
  mode      "head" (feature extractor frozen) or "full"
  epochs, batch, learningRate, threads, seed
and writes one JSON line {"torch", "torchvision"} with the versions and one an epoch:
{"epoch", "seconds", "cpuSeconds", "accuracy"}. Seconds and processor seconds (loader processes
included) count from the start of the job, with loading the network and decoding the pictures,
without importing PyTorch.
"""

import json
import os
import resource
import struct
import sys
import time

import torch
import torchvision
from PIL import Image
from torch import nn, optim
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, Dataset
from torchvision import models, transforms

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
DTYPES = {"F32": torch.float32, "F16": torch.float16, "I64": torch.int64}


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        body = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        flat = torch.frombuffer(body, dtype=torch.uint8)[start:end].clone()
        tensors[name] = flat.view(DTYPES[entry["dtype"]]).reshape(entry["shape"]).float()
    return tensors


class Pictures(Dataset):
    def __init__(self, root, rows, transform):
        self.root, self.rows, self.transform = root, rows, transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        path, label = self.rows[index]
        with Image.open(os.path.join(self.root, path)) as picture:
            return self.transform(picture.convert("RGB")), label


def build(job):
    state = read_safetensors(job["weights"])
    pretrained = state["classifier.3.weight"].shape[0]
    network = models.mobilenet_v3_small(num_classes=pretrained)
    network.load_state_dict(state, strict=False)
    if job["mode"] == "head":
        for parameter in network.parameters():
            parameter.requires_grad = False
    last = network.classifier[-1]
    network.classifier[-1] = nn.Linear(last.in_features, job["classes"])
    return network


def accuracy(network, loader):
    network.eval()
    right = total = 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += (network(inputs).argmax(1) == labels).sum().item()
            total += len(labels)
    return right / total


def processor_seconds():
    # Loader processes count once they have ended, which they do with every epoch.
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__}), flush=True)
    started, cpu_started = time.perf_counter(), processor_seconds()
    normalise = transforms.Normalize(MEAN, STD)
    augmented = transforms.Compose(
        [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalise]
    )
    plain = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(), normalise])
    workers = job["threads"]
    train = DataLoader(
        Pictures(job["root"], job["train"], augmented), batch_size=job["batch"], shuffle=True, num_workers=workers
    )
    test = DataLoader(Pictures(job["root"], job["test"], plain), batch_size=job["batch"], num_workers=workers)
    network = build(job)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = optim.SGD(trained, lr=job["learningRate"], momentum=0.9)
    scheduler = lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(job["epochs"]):
        network.train()
        for inputs, labels in train:
            optimizer.zero_grad()
            criterion(network(inputs), labels).backward()
            optimizer.step()
        scheduler.step()
        reached = accuracy(network, test)
        line = {
            "epoch": epoch,
            "seconds": time.perf_counter() - started,
            "cpuSeconds": processor_seconds() - cpu_started,
            "accuracy": reached,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
