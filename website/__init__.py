"""The site: `python -m website` builds it into `build/site`, from what the repository holds.

Sphinx with MyST-NB makes it: the reference comes out of the docstrings, the lessons out of the
executed notebooks, whose stored outputs are shown and never run again, and the search is a script
with its index in it, so that the pages work when they are opened as files.
"""
