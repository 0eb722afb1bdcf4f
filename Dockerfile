# The wheel is built in one image and installed, with locked and hashed requirements, into the next.
# Pin it by the digest that your registry shows: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements.txt requirements-build.txt pyproject.toml README.md LICENSE config.example.toml ./
COPY alertd alertd
# What is uninstalled again is for a protocol of OpenSearch's that alertd does not speak: more than twenty megabytes.
RUN python -m venv --without-pip /opt/alertd \
 && python -m venv /tmp/build \
 && /tmp/build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.txt \
 && PATH=/tmp/build/bin:$PATH pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && pip --python /opt/alertd/bin/python install --no-cache-dir --require-hashes -r requirements.txt \
 && pip --python /opt/alertd/bin/python install --no-cache-dir --no-deps --no-index /tmp/wheel/*.whl \
 && pip --python /opt/alertd/bin/python uninstall --yes grpcio opensearch-protobufs protobuf

FROM ${PYTHON_IMAGE}
# /etc/alertd: alertd.toml, rules and secrets, read-only. /var/lib/alertd: the ledger, the only thing that is written.
RUN useradd --system --uid 10001 --home-dir /var/lib/alertd --shell /usr/sbin/nologin alertd \
 && install -d -o alertd -g alertd -m 0700 /var/lib/alertd \
 && pip uninstall --yes --root-user-action=ignore pip
COPY --from=build /opt/alertd /opt/alertd
COPY rules /etc/alertd/rules
ENV PATH=/opt/alertd/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=1
USER alertd
WORKDIR /etc/alertd
VOLUME /var/lib/alertd
# A post under way may take 12 s; the default of `docker stop` is 10: run with --stop-timeout 20.
STOPSIGNAL SIGTERM
# Docker keeps it; images of the OCI format have none: podman and buildah build with --format docker, Kubernetes has probes.
HEALTHCHECK --interval=60s --timeout=10s --start-period=120s --retries=3 CMD ["alertd", "status", "--check"]
ENTRYPOINT ["alertd"]
CMD ["run", "--config", "/etc/alertd/alertd.toml"]
