# syntax=docker/dockerfile:1
# Two targets from one recipe, for linux/amd64; both run servers, workers and runs alike (deploy/compose.yaml, deploy/k8s):
#   revision=$(git describe --always --abbrev=12 --dirty=+ --exclude='*')
#   docker build --target cpu --build-arg HM_REVISION=$revision --build-arg TORCH_INDEX=… -t hm-pipeline:cpu .
#   docker build --target gpu --build-arg HM_REVISION=$revision --build-arg TORCH_INDEX=… -t hm-pipeline:gpu .
# HM_REVISION is what ledger, MLflow and cards name as the code, since no git is in an image; without it they name the
# package's version. TORCH_INDEX is the package index that PyTorch's install page names for CPU, or for your CUDA version; without it
# pip takes what the default index has for Linux, which is a CUDA build. No secret is needed to build, and none is kept.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS builder
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY constraints.txt ./
# Annoy has no wheels and compiles for the machine at hand: a fixed architecture runs on older ones too.
ENV ANNOY_COMPILER_ARGS=-D_CRT_SECURE_NO_WARNINGS,-DANNOYLIB_MULTITHREADED_BUILD,-O3,-ffast-math,-fno-associative-math,-std=c++14,-march=x86-64-v3
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels "$(grep '^annoy==' constraints.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY hm_pipeline hm_pipeline
COPY tasks tasks
COPY flows flows
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim AS runtime
ARG TORCH_INDEX=
# libgomp: implicit and torch. The user has no shell and no home outside the volume.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin hm \
    && mkdir /data && chown hm:hm /data
WORKDIR /app
COPY constraints.txt ./
# torch first, on its own: a layer of gigabytes that only its version changes.
RUN pip install --no-cache-dir --constraint constraints.txt torch ${TORCH_INDEX:+--index-url ${TORCH_INDEX}}
COPY --from=builder /wheels /wheels
RUN pip install --no-cache-dir --constraint constraints.txt --find-links /wheels \
    "hm-pipeline[cluster] @ file://$(ls /wheels/hm_pipeline-*.whl)" && rm -rf /wheels
COPY deploy deploy
# The root file system may be read-only: all that is written goes to /data and /tmp.
# A forgotten API url is an error at once, not a private server; nothing phones out.
ENV HOME=/data HM_ROOT=/data HM_WORK=/data/work PREFECT_HOME=/data/prefect MPLCONFIGDIR=/tmp/matplotlib \
    HM_CONFIG=/app/deploy HM_CONSTRAINTS=/app/constraints.txt \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false GIT_PYTHON_REFRESH=quiet \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OMP_WAIT_POLICY=PASSIVE
# Last, since every commit changes it.
ARG HM_REVISION=
ENV HM_REVISION=${HM_REVISION}
VOLUME /data
USER 10001:10001
# No entry point: `hm`, `prefect` and `mlflow` are commands, and a Kubernetes job brings its own.
CMD ["hm", "--help"]

FROM runtime AS cpu

FROM runtime AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
