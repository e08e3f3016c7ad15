"""Where a call goes: a server that can be, and a path that leads where it says."""

import pytest

from pratique.core.judging.addresses import problem_of_server
from pratique.core.plans.late import leads_elsewhere


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://a..b/", "has the host a..b, which is no name such as api.example.com"),
        ("https://-a.example/", "scheme, host and port must be written out"),
        ("https://a.-b.example/", "has the host a.-b.example"),
        (f"https://{'a' * 64}.example/", "has the host aaa"),
        ("https://2130706433/", "has the host 2130706433"),
        ("https://0x7f000001/", "has the host 0x7f000001"),
        ("https://127.1/", "has the host 127.1"),
        ("https://0x7f.1/", "has the host 0x7f.1"),
        ("https://0177.0.0.1/", "has the host 0177.0.0.1"),
        ("https://256.1.1.1/", "has the host 256.1.1.1"),
        ("https://[::::]/", "has the host [::::]"),
        ("https://a.example:65536/", "has port 65536, and ports go from 1 to 65535"),
        ("https://a.example:0/", "has port 0"),
        ("http://a.example:443/", "would send in clear text, to port 443, what headersFrom takes from a Secret"),
    ],
)
def test_a_server_that_cannot_be(url: str, why: str) -> None:
    said = problem_of_server(url, private=True)
    assert said is not None and said.startswith(why)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "https://a_b.example:65535/x",
        "https://7.example",
        "https://192.0.2.7/",
        "https://[2001:db8::7]:1/",
        "https://localhost?x",
        "http://jenkins.ci.svc:8080/",
        "http://a.example/",
    ],
)
def test_a_server_that_can_be(url: str) -> None:
    assert problem_of_server(url, private=True) is None
    assert problem_of_server("http://a.example:443/", private=False) is None


UP = ("..", ".", "%2e%2E", "%252e%252e", "..;a=1", ".. ", "..%00", "..%3Fx", "..%23")


@pytest.mark.parametrize("up", UP)
@pytest.mark.parametrize("around", ["/{}", "/a/{}/b", "/a%2F{}", "/a%5C{}%5Cb", "/a%252f{}%252Fb", "/a/{}%5Cb", "{}"])
def test_a_path_that_leads_elsewhere(up: str, around: str) -> None:
    assert leads_elsewhere(around.format(up))


@pytest.mark.parametrize(
    "path", ["", "/", "/feature%2Fx", "/a..b", "/...", "/.well-known/x", "/v1.2", "/a;b=..", "/%25"]
)
def test_a_path_that_leads_where_it_says(path: str) -> None:
    assert not leads_elsewhere(path)
