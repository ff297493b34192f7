"""Observing candidates, as plain data; knows no answers. See `Exercise.run`."""

import torch


def loss_with_gradients(candidate, each):
    """A loss, and its gradients by scores and heads: None where there is no way back.

    What is no number is returned as it is.
    """
    scores, heads, labels = each.args
    leaves = [t.clone().requires_grad_() for t in (scores, *heads)]
    loss = candidate(leaves[0], leaves[1:], labels.clone())
    if not isinstance(loss, torch.Tensor | float | int):
        return loss if not isinstance(loss, dict) else type(loss).__name__
    found = None
    if isinstance(loss, torch.Tensor) and loss.requires_grad:
        value = float(loss.detach())
        found = [*torch.autograd.grad(loss, leaves, allow_unused=True)]
        return {"loss": value, "gradients": found}
    return {"loss": float(torch.as_tensor(loss).detach()), "gradients": found}
