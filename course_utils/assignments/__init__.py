"""Assignments from release to marks: behind ``course release``, ``course grade --gradebook`` and ``course marks``.

The instructor's folder is laid out as nbgrader's, and its gradebook is nbgrader's own, so that nbgrader's formgrader
and commands work on it. Running and scoring submissions is :mod:`course_utils.grading`'s part.

========================================  ====================================================================
``course_utils.assignments.course``       the instructor's folder: configuration, paths, gradebook
``course_utils.assignments.release``      the student versions, and what keeps one from being written
``course_utils.assignments.gradebook``    marks of tests and marks by hand in one gradebook
``course_utils.assignments.notebook``     a graded submission as a notebook that the formgrader shows
``course_utils.assignments.refusal``      why nbgrader's own autograding does not start in such a folder
========================================  ====================================================================
"""
