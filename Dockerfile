# The image of the API and the engine, with the folders that the images of the modules are built from.
FROM python:3.12-slim AS packages
COPY requirements/server.txt /tmp/requirements.txt
# uv makes environments of local processes; here modules run in containers.
RUN python -m venv --without-pip /opt/venv \
 && grep -v '^uv==' /tmp/requirements.txt >/tmp/packages.txt \
 && pip install --no-cache-dir --no-deps --only-binary :all: --no-compile --prefix /opt/venv -r /tmp/packages.txt \
 && find /opt/venv -type d \( -name tests -o -name test \) -prune -exec rm -rf {} + \
 && /opt/venv/bin/python -m compileall -q /opt/venv

FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 ce && useradd --uid 10001 --gid ce --no-create-home --home-dir /data --shell /usr/sbin/nologin ce \
 && install -d -o ce -g ce /data
COPY --from=packages /opt/venv /opt/venv
COPY calculation_engine /opt/ce/calculation_engine
COPY images /opt/ce/images
COPY --chmod=755 compose/ce-entrypoint /usr/local/bin/ce-entrypoint
RUN echo /opt/ce >/opt/venv/lib/python3.12/site-packages/calculation-engine.pth \
 && printf '#!/bin/sh\nexec /opt/venv/bin/python -m calculation_engine "$@"\n' >/usr/local/bin/ce && chmod 755 /usr/local/bin/ce \
 && ln -s ce /usr/local/bin/calculation-engine && /opt/venv/bin/python -m compileall -q /opt/ce/calculation_engine
ENV CE_DATA_DIR=/data CE_HOST=0.0.0.0 CE_EXECUTOR=docker PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="calculation-engine" \
      org.opencontainers.image.description="Runs containerised scientific models: alone, chained, or coupled until they agree" \
      org.opencontainers.image.licenses="Apache-2.0"
VOLUME /data
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8081/readyz', timeout=4)"]
# It starts as root, to find out which group may use the Docker socket, and goes on as user ce: see the script.
ENTRYPOINT ["ce-entrypoint"]
CMD ["ce", "serve"]
