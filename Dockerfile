# The wheel is built in one image and installed, with locked and hashed requirements, into the next.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.txt requirements-build.txt pyproject.toml README.md LICENSE config.example.toml ./
COPY alertd alertd
RUN python -m venv /opt/alertd \
 && /opt/alertd/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && python -m venv /tmp/build \
 && /tmp/build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.txt \
 && PATH=/tmp/build/bin:$PATH pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/alertd/bin/pip install --no-cache-dir --no-deps --no-index /tmp/wheel/*.whl

FROM python:3.13-slim
# /etc/alertd: alertd.toml, rules and secrets, read-only. /var/lib/alertd: the ledger, the only thing that is written.
RUN useradd --system --uid 10001 --home-dir /var/lib/alertd --shell /usr/sbin/nologin alertd \
 && install -d -o alertd -g alertd -m 0700 /var/lib/alertd
COPY --from=build /opt/alertd /opt/alertd
COPY rules /etc/alertd/rules
ENV PATH=/opt/alertd/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER alertd
WORKDIR /etc/alertd
VOLUME /var/lib/alertd
# A post under way may take 12 s; the default of `docker stop` is 10: run with --stop-timeout 20.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=10s --start-period=120s --retries=3 CMD ["alertd", "status", "--check"]
ENTRYPOINT ["alertd"]
CMD ["run", "--config", "/etc/alertd/alertd.toml"]
