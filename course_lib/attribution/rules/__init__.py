"""How operations go backward.

- `backward_rules`: another rule for chosen operations, in one thread, with nothing patched
- `relu`: another rule for every ReLU; `ReLUContext`, for a learner's own
- `sharing`: rules of how an output's relevance is shared, as data; one autograd function
- `operations`: which operation shares relevance, passes it on, or has no rule
- `excitation`: where excitation backprop differs from that
- `eltwise_sum`: TorchRay's layer for a residual connection's sum
- `calls`: which operation a call is, in place or not, and its arguments
- `graph`: the graph that a forward pass leaves behind
- `patch`: replace a function by its dotted name, and put it back
"""
