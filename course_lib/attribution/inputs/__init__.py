"""What may be asked, and plain sentences about what may not."""
