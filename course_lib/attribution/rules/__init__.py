"""How operations go backward.

- `backward_rules`: another rule for chosen operations, in one thread, with nothing patched
- `relu`: another rule for every ReLU; `ReLUContext`, for a learner's own
- `excitation`: the rules of excitation backprop
- `calls`: which operation a call is, in place or not, and its arguments
- `graph`: the graph that a forward pass leaves behind
- `patch`: replace a function by its dotted name, and put it back
"""
