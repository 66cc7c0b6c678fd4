"""What there is to explain: scenes with exact truth, the trained networks, torchvision networks."""
