"""Where everything of `hm up` lies and listens: one folder, loopback ports, an environment."""

import json
import os
import secrets
import shlex
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.machine.choices import recall
from flows.machine.private import private
from hm_pipeline.errors import ConfigError
from tasks.settings import settings

BUCKET = "hm-pipeline"
FOLDER = Path("hm-data/up")
LONGEST_SOCKET = 100  # bytes of a path that a unix socket takes, with some to spare
_S3_PARTS = ("s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
             "filer.port", "filer.port.grpc")  # fmt: skip


class Chosen(BaseSettings):
    """HM_UP, and the ports of deploy/machine/ports.env unless the environment has others."""

    model_config = SettingsConfigDict(env_prefix="HM_", frozen=True, extra="ignore")

    up: Path = FOLDER
    prefect_port: int = Field(gt=0, lt=65536)
    mlflow_port: int = Field(gt=0, lt=65536)
    s3_port: int = Field(gt=0, lt=65536 - len(_S3_PARTS))


@dataclass(frozen=True)
class Machine:
    """One installation of servers and workers."""

    chosen: Chosen
    config: Path  # deploy/

    @cached_property
    def folder(self) -> Path:
        """HM_UP: databases, S3 data, keys, logs."""
        return self.chosen.up.resolve()

    @property
    def conf(self) -> Path:
        """What supervisord reads."""
        return self.config / "machine" / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """Where supervisord listens."""
        return self.folder / "supervisord.sock"

    def log(self, program: str) -> Path:
        """What a program said."""
        return self.folder / "logs" / f"{program}.log"

    @property
    def urls(self) -> dict[str, str]:
        """Of the three servers, by program."""
        ports = {
            "prefect": self.chosen.prefect_port,
            "mlflow": self.chosen.mlflow_port,
            "s3": self.chosen.s3_port,
        }
        return {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}

    @property
    def ports(self) -> dict[int, tuple[str, str]]:
        """Every port, whose it is, and the variable that moves it."""
        s3 = range(self.chosen.s3_port, self.chosen.s3_port + 1 + len(_S3_PARTS))
        return {
            self.chosen.prefect_port: ("Prefect", "HM_PREFECT_PORT"),
            self.chosen.mlflow_port: ("MLflow", "HM_MLFLOW_PORT"),
            **dict.fromkeys(s3, ("S3", "HM_S3_PORT")),
        }

    def make_folders(self) -> None:
        """HM_UP, readable by its owner alone. ConfigError where a socket cannot have so long a path."""
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET:
            raise ConfigError(f"{self.folder} is too long a path for a socket: set HM_UP to a shorter one")
        try:
            for name in ("logs", "prefect", "s3", "work"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise ConfigError(f"{self.folder} cannot be used ({error.strerror}): set HM_UP") from None

    def keys(self) -> tuple[str, str]:
        """The S3 server's access key and secret, made once; nothing prints them."""
        file = self.folder / "s3-keys.json"
        if not file.exists():
            made = {"access": f"hm{secrets.token_hex(8)}", "secret": secrets.token_urlsafe(30)}
            private(file, json.dumps(made))
        kept = json.loads(file.read_text())
        return kept["access"], kept["secret"]

    def environment(self) -> dict[str, str]:
        """What anybody needs to live here: workers, and a person who sources HM_UP/env."""
        access, secret = self.keys()
        return {
            "PREFECT_API_URL": f"{self.urls['prefect']}/api",
            "PREFECT_UI_URL": self.urls["prefect"],
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "MLFLOW_TRACKING_URI": self.urls["mlflow"],
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "AWS_ENDPOINT_URL": self.urls["s3"],
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "HM_ROOT": f"s3://{BUCKET}/root",
            "HM_CONFIG": str(self.config),
            "HM_CONSTRAINTS": str(settings().constraints),
            "HM_WORK": str(self.folder / "work"),
            "HM_UP": str(self.folder),
            **({"HM_RAW": settings().raw} if "HM_RAW" in os.environ else {}),
        }

    def process_environment(self) -> dict[str, str]:
        """The environment of everything that supervisord runs: a person's may not leak into it."""
        first = self.chosen.s3_port + 1
        parts = [f"-{name}={port}" for port, name in enumerate(_S3_PARTS, start=first)]
        foreign = ("AWS_", "PREFECT_", "MLFLOW_", "HM_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return own | self.environment() | {
            "HM_MACHINE": str(self.folder),  # a mark by which `hm down` knows its own
            "HM_BIN": str(Path(sys.executable).parent),
            "HM_PREFECT_PORT": str(self.chosen.prefect_port),
            "HM_MLFLOW_PORT": str(self.chosen.mlflow_port),
            "HM_S3_PORT": str(self.chosen.s3_port),
            "HM_S3_PARTS": " ".join(parts),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        }  # fmt: skip

    def write_env(self) -> Path:
        """HM_UP/env, for `source`: this shell's `hm` and `prefect` then live here too."""
        file = self.folder / "env"
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.environment().items()]
        private(file, "\n".join(lines) + "\n")
        return file


def machine() -> Machine:
    """As the environment says, else as the last `hm up` chose, else deploy/machine/ports.env. ConfigError."""
    recall(Path(os.environ.get("HM_UP", FOLDER)).resolve())
    config = settings().config
    file = config / "machine" / "ports.env"
    if not file.exists():
        raise ConfigError(f"{file} does not exist: set HM_CONFIG to the folder that has machine/")
    try:
        return Machine(Chosen(_env_file=file), config)
    except ValidationError as error:
        wrong = "; ".join(f"HM_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{file} and the environment: {wrong}") from None
