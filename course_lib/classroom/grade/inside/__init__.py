"""What runs inside the sandbox, in the same processes as students' code; nothing here decides."""
