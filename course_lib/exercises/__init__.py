"""What a learner must build: the exercises, and the engine that checks them."""
