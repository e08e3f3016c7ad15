"""START HERE: `pratique test` reads files, puts each case to its Action, and says what is not as expected.

Exit codes: 0 all is as expected; 1 something is not, or too little was tried; 2 a file cannot be used: nothing was tried.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from pathlib import Path

from pratique.core.kernel.errors import ConfigurationError, EvaluationError
from pratique.sandbox.pool import Sandbox
from pratique.testing.comparing import compare
from pratique.testing.coverage import cover
from pratique.testing.documents import read_documents
from pratique.testing.judgement import judge, listed_of, run_of, sources_of, target_of
from pratique.testing.reading import Book, read_book
from pratique.testing.report import Report, Result, junit_of, lines_of, lines_of_coverage

_FAILED, _UNUSABLE, _INTERRUPTED = 1, 2, 130


def run(options: argparse.Namespace) -> int:
    """Try all cases; returns the exit code."""
    try:
        book = read_book(read_documents(options.paths))
        problems = book.problems or _nothing(book)
    except ConfigurationError as error:
        problems = [str(error)]
    if problems:
        sys.stderr.write("".join(f"pratique: {each}\n" for each in problems))
        return _UNUSABLE
    try:
        report = asyncio.run(try_all(book))
    except KeyboardInterrupt:
        return _INTERRUPTED
    if options.junit is not None:
        try:
            Path(options.junit).write_text(junit_of(report), encoding="utf-8")
        except OSError as error:
            sys.stderr.write(f"pratique: --junit {options.junit} cannot be written ({error.strerror})\n")
            return _UNUSABLE
    tested = {test.action for test, _ in book.tests}
    lines = list(lines_of(report, sum(len(test.cases) for test, _ in book.tests), sorted({*book.actions} - tested)))
    if options.coverage:
        lines = [*lines_of_coverage(report), *lines]
    least = options.coverage_min
    short = least is not None and report.percent < least
    if short:
        lines.append(f"{report.percent} % of the expressions were tried, {least} % have to be (--coverage-min)")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return _FAILED if report.failed or short else 0


def _nothing(book: Book) -> list[str]:
    """Return what to say if there is nothing to try: it must not look as if all was well."""
    if not book.actions:
        return ["there is no Action in what was read: name the files or folders that hold them as well"]
    return []


async def try_all(book: Book) -> Report:
    """Try every case, and whether every Action is sound."""
    sandbox = Sandbox()
    results, seen = [], defaultdict[str, list[tuple[str, bool]]](list)
    try:
        for name, (action, document) in book.actions.items():
            try:
                problems = await sandbox.check_action(action, unadmitted=True)
            except EvaluationError as error:
                problems = (str(error),)
            results.append(Result(name, "the Action is sound", document.where(("metadata", "name")), problems))
        for test, document in book.tests:
            action = book.actions[test.action][0]
            for index, case in enumerate(test.cases):
                target = target_of(action, test.given, case)
                run, listed = run_of(test.action, test.given, case, target), listed_of(action, test.given, case)
                sources = sources_of(test.given, case)
                found = await judge(sandbox, action, run, case, target, listed, sources)
                seen[test.action] += found.seen
                where = document.where(("cases", index))
                results.append(Result(test.action, case.name, where, compare(case.expect, found)))
    finally:
        await sandbox.close()
    covered = {
        name: (document.where(("metadata", "name")), cover(action, seen[name]))
        for name, (action, document) in book.actions.items()
    }
    return Report(tuple(results), covered)
