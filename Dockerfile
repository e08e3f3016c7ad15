# The image of Pratique. The build stage runs the same script as `make image`, which needs no Docker:
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) -t pratique .
# Only what the image is made of is sent: .dockerignore.
ARG BASE=debian:trixie-slim
FROM ${BASE} AS build
ARG SOURCE_DATE_EPOCH=0
ARG COMMIT=unknown
ARG PIP_INDEX_URL
ARG PIP_CERT
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends mmdebstrap python3 python3-venv debian-archive-keyring ca-certificates
COPY . /src
RUN /src/tools/image/rootfs.sh /src /out && mkdir /tree && for layer in base packages app; do tar -C /tree -xf /out/$layer.tar; done

FROM scratch
ARG COMMIT=unknown
COPY --from=build /tree /
ENV PATH=/usr/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title=pratique \
      org.opencontainers.image.description="Approvals for self-service on Kubernetes" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=${COMMIT}
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["/usr/bin/pratique"]
