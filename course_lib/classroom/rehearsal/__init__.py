"""A class that is made up, to rehearse grading with: right, wrong, blank, broken and hostile."""
