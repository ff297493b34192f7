"""Assemble a ResNet for CIFAR-10, train it and its plain twin, read its errors."""
