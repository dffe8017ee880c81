"""What stands in nbgrader's configuration in the place of its autograding."""

from __future__ import annotations

from nbgrader.preprocessors import NbGraderPreprocessor


class UseCourseGrade(NbGraderPreprocessor):
    """Stop ``nbgrader autograde``, and the formgrader's button of that name, before a student's code runs."""

    def preprocess(self, nb, resources):
        raise RuntimeError(
            "Submissions of this course are graded by `course grade ... --gradebook`, which keeps students' code away "
            "from your files. Run it again to put back what you see here."
        )
