"""Run somebody's network, and leave it as it was found."""
