# The service without torch: docs/container.md.  docker build -t ocrtune .  &&  docker run -p 5000:5000 ocrtune

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY constraints/cpu.txt constraints/
COPY src src
# bench/container.py runs this line too, to measure what the image holds. A read-only root keeps no bytecode, and
# compiling at each start takes seconds: what the service imports is compiled here, and nothing else.
RUN python -m pip install --no-cache-dir --no-compile --constraint constraints/cpu.txt --target /packages . \
    && PYTHONPATH=/packages python -c "import ocrtune.cli, ocrtune.serve.server, ocrtune.serve.self_test" \
    && PYTHONPATH=/packages python -c "import ocrtune.serve.decoder_process, uvicorn.lifespan.on, uvicorn.protocols.http.auto"

FROM python:3.11.14-slim-bookworm
COPY --from=build /packages /packages
ENV PYTHONPATH=/packages PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can tell that it is not root. Nothing in the image belongs to it.
USER 10001:10001
WORKDIR /models
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "ocrtune", "serve", "--host", "0.0.0.0", "--port", "5000"]
