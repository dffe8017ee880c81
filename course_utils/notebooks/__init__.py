"""How notebooks are executed, stored and validated: the machinery behind ``course run`` and ``course test``.

==========================================  ====================================================================
``course_utils.notebooks.lessons``          which notebooks a command line means
``course_utils.notebooks.kernel``           the kernel that lessons run in: the same for running and validating
``course_utils.notebooks.network``          no network for this process and its children
``course_utils.notebooks.usage``            CPU seconds and peak memory of a kernel and its children
``course_utils.notebooks.hashing``          what a notebook's outputs were made from, and what has changed since
``course_utils.notebooks.execute``          execute a notebook and store its outputs, the same bytes every time
``course_utils.notebooks.hygiene``          what a stored notebook must not contain
``course_utils.notebooks.pytest_plugin``    nbval, made stricter, with measurements and a closing table
==========================================  ====================================================================
"""
