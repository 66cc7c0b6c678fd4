"""What may be asked, and plain sentences about what may not.

- `targets`: from a class, several, or a gradient to what a backward pass starts from
- `options`: the arguments that methods share, with their defaults and sentences
- `checks`: one plain sentence for each mistake, before anything is changed
- `notices`: warnings at the caller's line
"""
