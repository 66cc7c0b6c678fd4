"""How fast the methods are: against their floor and against peers, side by side in one run."""
