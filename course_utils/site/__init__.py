"""The course as a web site, built from the notebooks' stored outputs: ``course site``."""
