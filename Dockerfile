# syntax=docker/dockerfile:1
# Two targets from one recipe:  docker build --target cpu .   docker build --target gpu --build-arg TORCH_INDEX=… .
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS builder
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY constraints.txt pyproject.toml README.md ./
# Annoy has no wheels and compiles for the machine at hand: a fixed architecture runs on older ones too.
ENV ANNOY_COMPILER_ARGS=-D_CRT_SECURE_NO_WARNINGS,-DANNOYLIB_MULTITHREADED_BUILD,-O3,-ffast-math,-fno-associative-math,-std=c++14,-march=x86-64-v3
RUN pip wheel --no-deps --wheel-dir /wheels "$(grep '^annoy==' constraints.txt)"
COPY hm_pipeline hm_pipeline
COPY tasks tasks
COPY flows flows
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim AS runtime
ARG TORCH_INDEX=
RUN useradd --create-home --uid 10001 hm && apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY constraints.txt ./
COPY --from=builder /wheels /wheels
RUN pip install --no-cache-dir "$(grep '^torch==' constraints.txt)" ${TORCH_INDEX:+--index-url ${TORCH_INDEX}} \
    && pip install --no-cache-dir --constraint constraints.txt --find-links /wheels /wheels/hm_pipeline-*.whl && rm -rf /wheels
COPY deploy deploy
RUN mkdir /data && chown hm /data
VOLUME /data
# A forgotten API url is an error at once, not a private server; nothing phones out.
ENV PREFECT_SERVER_EPHEMERAL_ENABLED=false DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false \
    MLFLOW_DISABLE_TELEMETRY=true HM_CONFIG=/app/deploy HM_CONSTRAINTS=/app/constraints.txt \
    HM_ROOT=/data HM_WORK=/data/work PYTHONUNBUFFERED=1 OMP_WAIT_POLICY=PASSIVE
USER hm
ENTRYPOINT ["hm"]
CMD ["--help"]

FROM runtime AS cpu

FROM runtime AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
