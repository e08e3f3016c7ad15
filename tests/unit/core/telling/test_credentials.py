"""To which servers a credential may go."""

import pytest

from pratique.core.telling.credentials import ANY, MAIL, SLACK, Service, named_server, why_not

MINE = "smtp.example.com:587"


@pytest.mark.parametrize(
    ("annotation", "host", "port", "service"),
    [
        (MINE, "smtp.example.com", 587, MAIL),
        (f"other.example.com:25, {MINE}", "smtp.example.com", 587, MAIL),
        ("a:1\n smtp.example.com:587\t", "SMTP.example.com.", 587, MAIL),
        ("smtp.example.com", "smtp.example.com", 465, MAIL),
        ("[2001:db8::25]:587", "2001:db8::25", 587, MAIL),
        ("[2001:DB8::25]", "2001:db8::25", 25, MAIL),
        (None, "slack.com", 443, SLACK),
        (None, "slack-gov.com", 443, SLACK),
        ("proxy.example.com", "proxy.example.com", 443, SLACK),
        (None, "anything.example.com", 1, ANY),
    ],
)
def test_it_may_go_where_its_secret_says(annotation: str | None, host: str, port: int, service: Service) -> None:
    assert why_not(annotation, host, port, service) is None


@pytest.mark.parametrize(
    ("annotation", "host", "port", "service", "why"),
    [
        (None, "smtp.example.com", 587, MAIL, "names no server that may see what it holds"),
        (None, "slack.com.evil.example", 443, SLACK, "which means slack-gov.com and slack.com"),
        (None, "slack.com", 8443, SLACK, "names no server"),
        ("proxy.example.com", "slack.com", 443, SLACK, "go to proxy.example.com alone"),
        (MINE, "smtp.example.com", 588, MAIL, "go to smtp.example.com:587 alone"),
        (MINE, "evil.smtp.example.com", 587, MAIL, "go to smtp.example.com:587 alone"),
        (MINE, "evil.example", 587, ANY, "go to smtp.example.com:587 alone"),
        ("smtp.example.com", "smtp.example.com", 2525, MAIL, "alone"),
        ("", "smtp.example.com", 587, MAIL, "go to no server alone"),
        ("*.example.com", "smtp.example.com", 587, MAIL, "has '*.example.com' in pratique.dev/allowed-hosts"),
        ("https://slack.com/api", "slack.com", 443, SLACK, "which is no HOST:PORT"),
        ("a@smtp.example.com:587", "smtp.example.com", 587, MAIL, "which is no HOST:PORT"),
    ],
)
def test_and_nowhere_else(annotation: str | None, host: str, port: int, service: Service, why: str) -> None:
    said = why_not(annotation, host, port, service)
    assert said is not None and why in said


MY_SERVER, OTHER = "http://jenkins.ci.svc:8080", "https://jenkins.ci.svc:8080"


@pytest.mark.parametrize(
    ("annotation", "clear", "service", "may"),
    [
        (MY_SERVER, True, MAIL, True),
        (f"a.example {MY_SERVER}", True, MAIL, True),
        (MY_SERVER, False, MAIL, False),
        ("jenkins.ci.svc:8080", True, MAIL, False),
        ("jenkins.ci.svc:8080", True, ANY, True),
        (MY_SERVER, True, ANY, True),
        (MY_SERVER, False, ANY, False),
        (OTHER, False, ANY, False),
        ("http://jenkins.ci.svc", True, MAIL, False),
        (None, True, ANY, True),
        (None, True, Service(frozenset({8080}), frozenset({"jenkins.ci.svc"})), False),
    ],
)
def test_in_clear_text_it_goes_only_where_that_is_written(
    annotation: str | None, clear: bool, service: Service, may: bool
) -> None:
    said = why_not(annotation, "jenkins.ci.svc", 8080, service, clear=clear)
    assert (said is None) is may, said


def test_a_server_is_written_as_people_write_it() -> None:
    assert named_server("a.example", 25) == "a.example:25"
    assert named_server("2001:db8::25", 587) == "[2001:db8::25]:587"
