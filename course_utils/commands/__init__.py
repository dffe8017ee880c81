"""The subcommands of the ``course`` command line, one module each."""
