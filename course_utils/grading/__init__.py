"""Grade notebooks: the machinery behind ``course grade``.

A submission is graded by two processes. The *student's process* runs the cells of the notebook; it is forked before a
test is loaded, has no network and sees no other file. The *judge* holds the tests, runs them, and reaches the student's
functions and objects through stand-ins. Only plain data crosses between them.

========================================  ====================================================================
``course_utils.grading.reading``          the assignment out of the source notebook, the answers out of a submission
``course_utils.grading.plan``             on which side each cell runs, and whose each name is
``course_utils.grading.wire``             messages of a bounded size
``course_utils.grading.plain``            plain data in them
``course_utils.grading.sharing``          parameters that live on both sides
``course_utils.grading.student``          the student's process
``course_utils.grading.calls``            notices calls that a test forbids
``course_utils.grading.remote``           stand-ins for what is in the student's process
``course_utils.grading.judge``            the judge: runs the tests, gives points and reasons
``course_utils.grading.jail``             namespaces and limits
``course_utils.grading.warm``             the process that has torch imported and forks the others
``course_utils.grading.workers``          one submission, from any executor's worker
``course_utils.grading.run``              a folder of submissions
``course_utils.grading.report``           tables and feedback pages
``course_utils.grading.similarity``       code that submissions share, and its page in ``similarity_report``
========================================  ====================================================================
"""
