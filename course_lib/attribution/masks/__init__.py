"""Smooth masks of a given area, and what they earn.

- `generator`: from a few parameters to a smooth mask
- `smooth_maximum`: the soft largest of many products, which makes it
- `perturbation`: take away what a mask covers, by blurring or fading
- `rewards`: what a mask is rewarded for
- `area`: how far a mask is from its area
- `ascent`: the paper's gradient ascent, in as many steps as one likes
"""
