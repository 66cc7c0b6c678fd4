"""nbgrader's settings: the course is one flat assignment, `.`, from solutions/ to notebooks/.

nbgrader generate_assignment --force   puts the exercises into gradebook.db
nbgrader autograde                       grades submitted/STUDENT/*.ipynb
"""

c = get_config()  # noqa: F821

c.CourseDirectory.assignment_id = "."
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
# The sources hold the solutions: only notebooks are released, and none is copied to a submission.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py"]
c.ClearSolutions.code_stub = {"python": "...  # your code here"}
c.Execute.timeout = 120
