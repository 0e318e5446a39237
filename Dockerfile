# Two stages: the packages are built in the first, the second has neither compiler nor pip's cache.
FROM python:3.13-slim AS packages
COPY requirements-server.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-server.txt

FROM python:3.13-slim
RUN groupadd --system --gid 10001 mingus \
 && useradd --system --uid 10001 --gid mingus --home-dir /var/lib/mingus --create-home mingus
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MINGUS_DATA_DIR=/var/lib/mingus
USER mingus
# the only place that is written to; everything else may be mounted read-only
VOLUME /var/lib/mingus
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "gunicorn", "-c", "python:mingus.gunicorn_conf", "-b", "0.0.0.0:8000", "wsgi:app"]
