"""Marks of tests and marks by hand in one gradebook: nbgrader's own, for one assignment.

What ``course grade`` finds goes in as the score of nbgrader's autograder. A mark or a comment that a person gives in
the formgrader lives in fields of its own there, and nothing here writes to them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import nbformat

from course_utils.assignments.course import Course, CourseError, read_notebook
from course_utils.assignments.notebook import digest_in, marked_notebook, same_answer
from course_utils.grading.reading import Assignment, Unreadable, read_bytes, read_submission
from course_utils.grading.run import result_name, write_whole

NO_RESPONSE = "No response."  # nbgrader's own words, which its feedback pages show


class AssignmentMarks:
    """The marks of one assignment in a course folder's gradebook.

    Parameters
    ----------
    folder : Path
        The course folder, in which the assignment has been released.
    source : Path
        The instructor's notebook that submissions are graded with.
    assignment : Assignment
        The same, read.
    submissions : dict of str to list of Path
        The notebooks of each student (:func:`course_utils.grading.reading.notebooks_of`).

    Raises
    ------
    CourseError
        If the gradebook does not have this assignment, or has it with other questions.
    """

    def __init__(self, folder: Path, source: Path, assignment: Assignment, submissions: dict[str, list[Path]]) -> None:
        self.course = Course(folder)
        self.assignment = assignment
        self.submissions = submissions
        self.source = read_notebook(source)
        self.book = self.course.gradebook()
        try:
            with self.course.using_gradebook():
                self.name = self._find(source)
        except BaseException:
            self.close()
            raise

    def _find(self, source: Path) -> str:
        notebook = self.assignment.name
        found = [one for one in self.book.assignments if notebook in {released.name for released in one.notebooks}]
        if len(found) > 1:  # the name of the folder in "source" is that of the assignment
            found = [one for one in found if one.name == source.resolve().parent.name]
        if len(found) != 1:
            raise CourseError(
                f"The gradebook of {self.course.folder} has no assignment with the notebook {notebook!r}. "
                "Release it first, with `course release`."
            )
        name = found[0].name
        released = self.book.find_notebook(notebook, name)
        theirs = {cell.name: float(cell.max_score) for cell in [*released.grade_cells, *released.task_cells]}
        ours = {cell.name: cell.points for cell in self.assignment.graded}
        if theirs != ours:
            differing = sorted(key for key in theirs | ours if theirs.get(key) != ours.get(key))
            raise CourseError(
                f"{source} is not what was released as {name}: it differs in the question {differing[0]!r} or its "
                f"points. Grade with the notebook in {self.course.path('source', name)}, or release again."
            )
        return name

    def close(self) -> None:
        self.book.close()

    def record(self, result: dict) -> dict:
        """Put a graded submission into the course folder, and return its result with what a person has marked.

        Raises
        ------
        CourseError
            If the submission can no longer be read, or the gradebook cannot be used now.
        """
        with self.course.using_gradebook():
            self.enter(result)
            return self.marked(result)

    def enter(self, result: dict) -> None:
        """Put a submission and the marks of its tests into the course folder; what is there already stays as it is.

        Parameters
        ----------
        result : dict
            What :func:`course_utils.grading.run.grade` made of it.

        Raises
        ------
        CourseError
            If the submission can no longer be read.
        """
        student = result["student"]
        who = result_name(student)
        paths = self.submissions[student]
        stored = self.course.path("autograded", self.name, who) / f"{self.assignment.name}.ipynb"
        before = self._stored(stored)
        if before is not None and digest_in(before) == result["digest"] and self._has(who, result):
            return
        submission = None
        if result["status"] != "refused":
            try:
                submission = read_submission(paths, self.assignment)
            except Unreadable as error:
                raise CourseError(
                    f"The submission of {student} has changed since it was graded ({error}); run the command again."
                ) from None
        handed_in = self.course.path("submitted", self.name, who)
        self._copy(submission.path if submission is not None else next(iter(paths), None), handed_in)
        self._enter_scores(who, result, before, self.course.directory.get_existing_timestamp(str(handed_in)))
        made = marked_notebook(self.source, self.assignment, submission, result)
        stored.parent.mkdir(parents=True, exist_ok=True)
        write_whole(stored, nbformat.writes(made) + "\n")  # last: its digest says that all is done

    @staticmethod
    def _stored(path: Path) -> nbformat.NotebookNode | None:
        try:
            return read_notebook(path)
        except CourseError:
            return None

    def _has(self, who: str, result: dict) -> bool:
        from nbgrader.api import MissingEntry

        try:
            notebook = self.book.find_submission_notebook(self.assignment.name, self.name, who)
        except MissingEntry:
            return False
        points = {question["name"]: question["points"] for question in result["questions"]}
        return all(grade.auto_score == points[grade.name] for grade in notebook.grades)

    def _copy(self, path: Path | None, folder: Path) -> None:
        """Keep the file as it was handed in."""
        folder.mkdir(parents=True, exist_ok=True)
        if path is None:
            return
        try:
            data = read_bytes(path)
        except Unreadable:
            return
        kept = folder / f"{self.assignment.name}.ipynb"
        if not kept.is_file() or kept.read_bytes() != data:
            kept.unlink(missing_ok=True)  # nbgrader makes files that cannot be written to
            kept.write_bytes(data)

    def _enter_scores(self, who: str, result: dict, before: nbformat.NotebookNode | None, timestamp: object) -> None:
        from sqlalchemy.exc import SAWarning

        book = self.book
        book.update_or_create_student(who)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader adds rows while it reads others; they are added
            book.update_or_create_submission(self.name, who, timestamp=timestamp)
        notebook = book.find_submission_notebook(self.assignment.name, self.name, who)
        questions = {question["name"]: question for question in result["questions"]}
        for grade in notebook.grades:
            question = questions[grade.name]
            same = grade.auto_score == question["points"]
            if "answer" in question:  # by hand, and the submission could be read
                same = same and same_answer(before, question)
            if grade.manual_score is None:
                grade.needs_manual_grade = question["points"] is None or bool(question.get("person"))
            elif not same:  # the mark was given for something else; until a person has looked it stays open
                grade.needs_manual_grade = True
            grade.auto_score = question["points"]
        for comment in notebook.comments:
            question = questions.get(comment.name)
            empty = question is not None and question["kind"] == "by hand" and not question.get("answer")
            comment.auto_comment = NO_RESPONSE if empty else None
        notebook.flagged = notebook.flagged or result["status"] in ("refused", "needs a person")
        book.db.commit()

    def marked(self, result: dict) -> dict:
        """Return a result with what a person has given in it: marks, and comments in the place of reasons."""
        notebook = self.book.find_submission_notebook(self.assignment.name, self.name, result_name(result["student"]))
        grades = {grade.name: grade for grade in notebook.grades}
        comments = {comment.name: comment.manual_comment for comment in notebook.comments if comment.manual_comment}
        questions = []
        for question in result["questions"]:
            grade = grades[question["name"]]
            question = {**question, "needs_marking": bool(grade.needs_manual_grade)}
            if grade.manual_score is not None or grade.extra_credit:
                given = question["points"] if grade.manual_score is None else grade.manual_score
                question["points"] = (given or 0.0) + (grade.extra_credit or 0.0)
                question["by_hand"] = True
                if question["kind"] == "test":
                    question["reason"] = "A person has given these points."
            if question["kind"] == "by hand" and question["name"] in comments:
                question["reason"] = comments.pop(question["name"])
            questions.append(question)
        marking = [one["name"] for one in questions if one["needs_marking"] and one["kind"] == "by hand"]
        unclear = notebook.flagged or any(one["needs_marking"] and one["kind"] == "test" for one in questions)
        status = "needs a person" if unclear else "needs marking" if marking else "graded"
        return {
            **result,
            "status": "refused" if result["status"] == "refused" else status,
            "total": sum(question["points"] or 0.0 for question in questions),
            "needs_marking": marking,
            "questions": questions,
            "comments": [{"name": name, "text": text} for name, text in comments.items()],
        }


def table_of(course: Course) -> tuple[dict[str, str], list[dict]]:
    """Return all marks of a course.

    Returns
    -------
    assignments : dict of str to str
        Their names, in order, and the heading of each one's column.
    rows : list of dict
        For each student ``student``, ``marks`` (points by assignment, of those handed in), ``open`` (the names of the
        questions that a person has to mark, by assignment).
    """
    with course.using_gradebook(), course.gradebook() as book:
        assignments = {one.name: f"{one.name} (of {one.max_score:g})" for one in book.assignments}
        rows = {student.id: {"student": student.id, "marks": {}, "open": {}} for student in book.students}
        for name in assignments:
            for submission in book.assignment_submissions(name):
                row = rows[submission.student.id]
                row["marks"][name] = float(submission.score)
                waiting = [
                    grade.name
                    for notebook in submission.notebooks
                    for grade in notebook.grades
                    if grade.needs_manual_grade
                ]
                if waiting:
                    row["open"][name] = sorted(waiting)
    return assignments, sorted(rows.values(), key=lambda row: row["student"])
