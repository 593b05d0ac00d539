"""Hostile files are hand-ins: nobody imports them to look for tests."""

collect_ignore = ["hostile"]
