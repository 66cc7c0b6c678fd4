"""`python -m course_lib`: the `course` command, where the command itself is not on the path."""

from course_lib.cli import main

main()
