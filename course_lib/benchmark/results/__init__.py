"""What `course benchmark` does: the cases, the runs, the store of results, and the table."""
