"""Differentiable operations of trainable encoders, with forward and backward functions.

``out, cache = name_forward(*inputs, **settings)`` computes the output.
``name_backward(dout, cache)`` takes the gradient of a loss in `out` and returns the gradients in
the inputs, in order. Only the cache is kept between the two. At a kink the derivative is 0 if the
output is 0.
"""

from sparsecode.ops.activations import (
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from sparsecode.ops.batch_selection import batch_topk_backward, batch_topk_forward
from sparsecode.ops.jumps import (
    gated_backward,
    gated_forward,
    jumprelu_backward,
    jumprelu_forward,
    step_backward,
    step_forward,
)
from sparsecode.ops.linear import linear_backward, linear_forward
from sparsecode.ops.selection import (
    lifetime_topk_backward,
    lifetime_topk_forward,
    topk_backward,
    topk_forward,
)
from sparsecode.ops.softmax import softmax_backward, softmax_forward
from sparsecode.ops.thresholds import (
    soft_threshold_backward,
    soft_threshold_forward,
    support_threshold_backward,
    support_threshold_forward,
)

__all__ = [
    "batch_topk_backward",
    "batch_topk_forward",
    "gated_backward",
    "gated_forward",
    "jumprelu_backward",
    "jumprelu_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "lifetime_topk_backward",
    "lifetime_topk_forward",
    "linear_backward",
    "linear_forward",
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "soft_threshold_backward",
    "soft_threshold_forward",
    "softmax_backward",
    "softmax_forward",
    "step_backward",
    "step_forward",
    "support_threshold_backward",
    "support_threshold_forward",
    "tanh_backward",
    "tanh_forward",
    "topk_backward",
    "topk_forward",
]
