"""Judges answers, finds words for what is wrong, shows it, and keeps the progress."""
