# The hub without a database: TAXII_HUB_MONGODB_URI names a supported MongoDB replica set (docs/deployment.md).
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY requirements/build.lock requirements/runtime.lock requirements/
RUN python3 -m venv tools \
    && tools/bin/python -m pip install -qq --no-cache-dir --require-hashes -r requirements/build.lock \
    && tools/bin/python -m pip wheel -qq --no-cache-dir --no-build-isolation --use-pep517 --require-hashes \
        -r requirements/runtime.lock -w wheels
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY collections collections
COPY mappings mappings
RUN tools/bin/python -m pip wheel -qq --no-cache-dir --no-build-isolation --no-deps -w wheels . \
    && python3 -m venv /opt/taxii-hub \
    && /opt/taxii-hub/bin/python -m pip install -qq --no-cache-dir --no-index --no-deps wheels/*.whl \
    && /opt/taxii-hub/bin/python -m pip uninstall -qq -y pip setuptools \
    && install -d -m 0700 -o 10001 -g 10001 /data /data/secrets

FROM ${BASE}
LABEL org.opencontainers.image.title="TAXII Hub" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/taxii-hub /opt/taxii-hub
COPY --from=build --chown=10001:10001 /data /var/lib/taxii-hub
COPY deploy/healthcheck.py /opt/taxii-hub/healthcheck.py
ENV PATH=/opt/taxii-hub/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TAXII_HUB_DATA_DIR=/var/lib/taxii-hub \
    TAXII_HUB_HOST=0.0.0.0
WORKDIR /var/lib/taxii-hub
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "/opt/taxii-hub/healthcheck.py"]
ENTRYPOINT ["taxii-hub"]
CMD ["serve"]
