"""From sources to notebooks, and to a learner's working folder."""
