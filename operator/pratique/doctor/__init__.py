"""`pratique doctor`: looks an installation over and says what is wrong with it, each with the remedy.

    reading ──► Facts ──► checks ──► Findings ──► report

`checks` decides and is pure; `reading` asks the API server with the caller's own rights; `command` puts them together.
"""
