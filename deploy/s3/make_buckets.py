"""Make the buckets that are named, unless they are there: `make_buckets.py hm-raw hm-results hm-mlflow`."""

import sys

import boto3
from botocore.config import Config


def make(names: list[str]) -> None:
    """Waits for a server that is just starting: 10 tries, some seconds apart in the end."""
    s3 = boto3.session.Session().client("s3", config=Config(retries={"mode": "standard", "max_attempts": 10}))
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for name in names:
        if name not in there:
            s3.create_bucket(Bucket=name)


if __name__ == "__main__":
    make(sys.argv[1:])
