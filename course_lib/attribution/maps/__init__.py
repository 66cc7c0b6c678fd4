"""From gradients to maps: resized, smoothed, put on a grid."""
