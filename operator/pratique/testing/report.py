"""Words what came of it: for a terminal, and as JUnit's XML for a CI. Quiet about what passes. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from pratique.core.kernel.text import clean
from pratique.testing.coverage import Covered, percent

_EXPRESSION = 60


@dataclass(frozen=True)
class Result:
    """One test: a case of an Action, or that the Action is sound."""

    action: str
    name: str
    where: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All that was tried, and which expressions that took, by Action."""

    results: tuple[Result, ...]
    covered: dict[str, tuple[str, tuple[Covered, ...]]] = field(default_factory=dict)
    """By name of the Action: where it stands, and its expressions."""

    @property
    def failed(self) -> tuple[Result, ...]:
        """What did not pass."""
        return tuple(each for each in self.results if each.problems)

    @property
    def percent(self) -> int:
        """How much of the expressions was tried."""
        return percent(each for _, covered in self.covered.values() for each in covered)


def lines_of(report: Report, cases: int, untested: Sequence[str]) -> Iterator[str]:
    """Yield what a terminal shows: each failure, Actions without a case, and the count."""
    for each in report.failed:
        yield f"FAIL {each.where}: {each.action}: {each.name}"
        yield from (f"    {problem}" for problem in each.problems)
    if untested:
        yield f"No case tries {', '.join(untested)}"
    failed = len(report.failed)
    if not cases and not failed:
        yield f"{_count(len(report.covered), 'Action')} checked; there is no case in what was read"
        return
    tried = f"{_count(cases, 'case')} of {_count(len(report.covered), 'Action')}"
    yield f"{failed} failed: {tried}" if failed else f"{tried} passed"


def lines_of_coverage(report: Report) -> Iterator[str]:
    """Yield every expression with its counts, and what never happened to it."""
    for name, (where, covered) in report.covered.items():
        yield f"{name} ({where}): {percent(covered)} %"
        width = max((len(each.path) for each in covered), default=0)
        for each in covered:
            counts = (
                f"true {each.true}, false {each.false}"
                if each.is_condition
                else f"{each.done} {each.true + each.false}"
            )
            lacks = f"  <-- {', '.join(each.missing)}: {clean(each.text, _EXPRESSION)}" if each.missing else ""
            yield f"  {each.path:<{width}}  {counts}{lacks}"
    yield f"Coverage of expressions: {report.percent} %"


def junit_of(report: Report) -> str:
    """Return the results as JUnit's XML: a suite for each Action."""
    root = ElementTree.Element("testsuites", tests=str(len(report.results)), failures=str(len(report.failed)))
    for action in dict.fromkeys(each.action for each in report.results):
        results = [each for each in report.results if each.action == action]
        failures = sum(bool(each.problems) for each in results)
        suite = ElementTree.SubElement(
            root, "testsuite", name=action, tests=str(len(results)), failures=str(failures), errors="0", skipped="0"
        )
        for each in results:
            file, _, line = each.where.rpartition(":")
            test = ElementTree.SubElement(
                suite, "testcase", classname=action, name=clean(each.name), file=file, line=line
            )
            if each.problems:
                said = [clean(problem, 4096) for problem in each.problems]
                failure = ElementTree.SubElement(test, "failure", message=clean(said[0], 512))
                failure.text = "\n".join((each.where, *said))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
