"""Fetching the real data sets: what `course data fetch` runs on a machine with internet."""
