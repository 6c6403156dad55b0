"""How each library computes: value and gradients, training steps, Hessian-vector products.

A workload writes its loss once, `loss(xp, *arguments)`, with the functions of a namespace `xp` that has the same names
for every library. The modules here import their libraries only when a way is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks.contender import Way
from benchmarks.optimizers import Optimizer
from benchmarks.ways import on_advect, on_autograd, on_chainrule, on_jax, on_mygrad, on_tensorflow, on_torch
from benchmarks.ways.loss import Loss


def of_gradients(loss: Loss, count: int) -> Mapping[str, Way]:
    """Ways to compute a loss and its gradients by the first `count` arguments."""
    return {
        "chainrule: function": partial(on_chainrule.function, loss, count),
        "chainrule: callable": partial(on_chainrule.callable_of_session, loss, count),
        "chainrule without JIT: function": partial(on_chainrule.function, loss, count),
        "chainrule: eager": partial(on_chainrule.eager, loss, count),
        "autograd": partial(on_autograd.gradients, loss, count),
        "MyGrad": partial(on_mygrad.gradients, loss, count),
        "advect": partial(on_advect.gradients, loss, count),
        "advect: staged": partial(on_advect.staged, loss, count),
        "JAX: jit": partial(on_jax.gradients, loss, count),
        "PyTorch": partial(on_torch.gradients, loss, count),
        "TensorFlow: callable": partial(on_tensorflow.callable_of_session, loss, count),
        "TensorFlow: function": partial(on_tensorflow.function, loss, count),
    }


def of_training(loss: Loss, count: int, optimizer: Optimizer) -> Mapping[str, Way]:
    """Ways to train the first `count` arguments of a loss; what they are in the end is the result."""
    return {
        "chainrule: callable": partial(on_chainrule.training_callable, loss, count, optimizer),
        "chainrule: session": partial(on_chainrule.training_session, loss, count, optimizer),
        "chainrule: function": partial(on_chainrule.training_function, loss, count, optimizer),
        "chainrule without JIT: callable": partial(on_chainrule.training_callable, loss, count, optimizer),
        "chainrule without JIT: function": partial(on_chainrule.training_function, loss, count, optimizer),
        "chainrule: eager": partial(on_chainrule.training_eager, loss, count, optimizer),
        "autograd": partial(on_autograd.training, loss, count, optimizer),
        "MyGrad": partial(on_mygrad.training, loss, count, optimizer),
        "advect": partial(on_advect.training, loss, count, optimizer),
        "advect: staged": partial(on_advect.staged_training, loss, count, optimizer),
        "JAX: jit": partial(on_jax.training, loss, count, optimizer),
        "PyTorch": partial(on_torch.training, loss, count, optimizer),
        "TensorFlow: callable": partial(on_tensorflow.training_callable, loss, count, optimizer),
        "TensorFlow: function": partial(on_tensorflow.training_function, loss, count, optimizer),
    }


def of_hessian_vector(loss: Loss) -> Mapping[str, Way]:
    """Ways to multiply the Hessian in the first argument with the second; the loss does not take the second."""
    return {
        "chainrule: function": partial(on_chainrule.hvp_function, loss),
        "chainrule without JIT: function": partial(on_chainrule.hvp_function, loss),
        "chainrule: eager": partial(on_chainrule.hvp_eager, loss),
        "autograd": partial(on_autograd.hvp, loss),
        "advect": partial(on_advect.hvp, loss),
        "JAX: jit": partial(on_jax.hvp, loss),
        "PyTorch": partial(on_torch.hvp, loss),
        "TensorFlow: function": partial(on_tensorflow.hvp, loss),
    }
