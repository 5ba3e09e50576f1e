# syntax=docker/dockerfile:1
# Two stages: what builds stays behind; the image that runs has no compiler, no pip cache and no root.

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/ratchet
# The locked dependencies first: they change less often than the source, and stay in the cache.
COPY requirements/run.txt requirements/run.txt
RUN /opt/ratchet/bin/python -m pip install --no-deps --require-hashes --only-binary :all: -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/ratchet/bin/python -m pip install --no-deps --no-build-isolation . \
 && /opt/ratchet/bin/python -m pip uninstall --yes pip hatchling editables \
 && /opt/ratchet/bin/python -m compileall -q /opt/ratchet/lib

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Ratchet" \
      org.opencontainers.image.description="Runbooks from how people triaged the alert before, in your team's Slack" \
      org.opencontainers.image.licenses="MIT"
# git reads documents of type git; nothing else is needed from the system.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/ratchet --shell /usr/sbin/nologin ratchet \
 && install --directory --owner ratchet --group ratchet --mode 0700 /var/lib/ratchet
COPY --from=build /opt/ratchet /opt/ratchet
ENV PATH=/opt/ratchet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/ratchet \
    RATCHET_DATA_DIR=/var/lib/ratchet
USER 10001:10001
WORKDIR /var/lib/ratchet
# The embedded database and clones of documents live here; the rest of the file system may be read-only.
VOLUME /var/lib/ratchet
EXPOSE 5001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["ratchet", "health"]
ENTRYPOINT ["ratchet"]
CMD ["run"]
