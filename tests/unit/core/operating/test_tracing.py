"""OpenTelemetry's own variables: off without an endpoint, and what cannot be used gets a sentence without its value."""

import pytest

from pratique.core.operating.tracing import Tracing, TracingError, tracing_of

BASE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}
TRACES = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces.example.com/in"}
SERVICE = {"service.name": "pratique", "service.version": "1"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**BASE, "OTEL_SDK_DISABLED": "TRUE"},
        {**BASE, "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "a=b"},
    ],
)
def test_it_is_off(environ: dict[str, str]) -> None:
    assert tracing_of(environ, "1") is None


def test_what_is_said_of_traces_goes_before_what_is_said_of_all() -> None:
    assert tracing_of(BASE, "1") == Tracing("http://collector:4318/v1/traces", resource=SERVICE)
    more = {
        **BASE,
        **TRACES,
        "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Bearer%20hunter2, x=y=z ,",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1500",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "/etc/ca.pem",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,k8s.cluster.name=east",
        "OTEL_SERVICE_NAME": "approvals",
    }
    found = tracing_of(more, "1")
    assert found == Tracing(
        "https://traces.example.com/in",
        {"authorization": "Bearer hunter2", "x": "y=z"},
        1.5,
        "/etc/ca.pem",
        {**SERVICE, "service.name": "approvals", "k8s.cluster.name": "east"},
    )
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "ENDPOINT: this is no address"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://"}, "ENDPOINT: this is no address"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:0"}, "ENDPOINT: this is no address"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:hunter2"}, "ENDPOINT: this is no address"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://me:hunter2@c"}, "TRACES_ENDPOINT: leave the user out"),
        ({**BASE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "PROTOCOL: traces are sent as http/json only"),
        ({**BASE, "OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, "HEADERS: an entry has no ="),
        ({**BASE, "OTEL_EXPORTER_OTLP_HEADERS": "=hunter2"}, "HEADERS: an entry has no ="),
        ({**BASE, "OTEL_EXPORTER_OTLP_HEADERS": "a=hunter2%0d%0ab:c"}, "HEADERS: a name or value"),
        ({**BASE, "OTEL_EXPORTER_OTLP_HEADERS": "a b=hunter2"}, "HEADERS: a name or value"),
        ({**BASE, "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, "TIMEOUT: write a number of milliseconds"),
        ({**BASE, "OTEL_EXPORTER_OTLP_TIMEOUT": "0"}, "TIMEOUT: write a number of milliseconds"),
    ],
)
def test_what_cannot_be_used_is_named_and_not_repeated(environ: dict[str, str], text: str) -> None:
    with pytest.raises(TracingError, match=text) as caught:
        tracing_of(environ, "1")
    assert "hunter2" not in str(caught.value)
