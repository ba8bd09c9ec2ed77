"""The policies of deploy/s3, given to users of a real S3 server: each can do its work and no more."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from elsewhere import elsewhere
from embedded import World, run_night
from s3_server import ACCESS_KEY, SECRET_KEY, s3_server
from tiny_market import MARKET, NIGHTS

from hm_pipeline.storage import open_storage
from tasks.settings import settings

POLICIES = Path(__file__).parents[2] / "deploy" / "s3"
RAW, RESULTS = "hm-raw", "hm-results"
pytestmark = pytest.mark.services


@dataclass(frozen=True)
class Cloud:
    """An S3 server that knows users."""

    endpoint: str

    def client(self, service: str, access: str = ACCESS_KEY, secret: str = SECRET_KEY) -> Any:
        session = boto3.session.Session(access, secret, region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoint)

    def user(self, name: str, *policies: str) -> tuple[str, str]:
        """The keys of a new user with these policies of deploy/s3 and no others."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for policy in policies:
            document = json.dumps(json.loads((POLICIES / f"{policy}.json").read_text()))
            iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]


@dataclass(frozen=True)
class Rented(World):
    """A world whose raw data and results lie in two buckets, and whose keys are those of `run`."""

    keys: tuple[str, str] = ("", "")
    endpoint: str = ""

    def environment(self) -> dict[str, str]:
        access, secret = self.keys
        return super().environment() | {
            "HM_ROOT": f"s3://{RESULTS}",
            "HM_RAW": f"s3://{RAW}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with s3_server(tmp_path_factory.mktemp("cloud"), "-s3.iam.readOnly=false") as endpoint:
        cloud = Cloud(endpoint)
        for bucket in (RAW, RESULTS):
            cloud.client("s3").create_bucket(Bucket=bucket)
        guard = (POLICIES / "results-bucket.json").read_text()
        cloud.client("s3").put_bucket_policy(Bucket=RESULTS, Policy=guard)
        yield cloud


@pytest.fixture(scope="module")
def decided(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Rented:
    """A world after a night that ran with the two policies of a run."""
    keys = cloud.user("run", "raw-reader", "results-writer")
    world = Rented(tmp_path_factory.mktemp("rented"), keys=keys, endpoint=cloud.endpoint)
    world.settle()
    deliver(cloud, world.raw)
    elsewhere(world, run_night, MARKET, NIGHTS[0])
    return world


def deliver(cloud: Cloud, folder: Path) -> None:
    """What the shop does, with the shop's rights."""
    shop = cloud.client("s3", *cloud.user("delivery", "raw-writer"))
    for file in folder.rglob("*.csv"):
        shop.upload_file(str(file), RAW, file.relative_to(folder).as_posix())


def refused(ask: Any, **what: str) -> bool:
    try:
        ask(**what)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "403")
    return False


def keys_in_results(cloud: Cloud) -> list[str]:
    return [o["Key"] for o in cloud.client("s3").list_objects_v2(Bucket=RESULTS)["Contents"]]


def test_a_night_runs_with_a_runs_rights_and_publishes(cloud: Cloud, decided: Rented):
    latest = json.loads(
        cloud.client("s3").get_object(Bucket=RESULTS, Key=f"{MARKET}/latest.json")["Body"].read()
    )
    assert latest["day"] == str(NIGHTS[0])


def test_a_run_cannot_touch_the_raw_data_nor_the_ledgers_past(cloud: Cloud, decided: Rented):
    s3 = cloud.client("s3", *decided.keys)
    day = cloud.client("s3").list_objects_v2(Bucket=RAW)["Contents"][0]["Key"]
    ledger = next(key for key in keys_in_results(cloud) if key.startswith(f"{MARKET}/ledger/"))
    assert refused(s3.delete_object, Bucket=RAW, Key=day)
    assert refused(s3.put_object, Bucket=RAW, Key=day, Body="nothing")
    assert refused(s3.delete_object, Bucket=RESULTS, Key=ledger)
    assert ledger in keys_in_results(cloud)


def test_a_run_may_forget_what_is_past_its_days(cloud: Cloud, decided: Rented):
    s3 = cloud.client("s3", *decided.keys)
    s3.put_object(Bucket=RESULTS, Key=f"{MARKET}/2020-01-01/extract/old/manifest.json", Body=b"{}")
    s3.delete_object(Bucket=RESULTS, Key=f"{MARKET}/2020-01-01/extract/old/manifest.json")
    assert f"{MARKET}/2020-01-01/extract/old/manifest.json" not in keys_in_results(cloud)


def test_a_reader_of_lists_reads_the_lists_and_nothing_else(cloud: Cloud, decided: Rented):
    shop = cloud.client("s3", *cloud.user("reader", "list-reader"))
    shown = json.loads(shop.get_object(Bucket=RESULTS, Key=f"{MARKET}/latest.json")["Body"].read())
    manifest = json.loads(shop.get_object(Bucket=RESULTS, Key=shown["manifest"])["Body"].read())
    place = f"{manifest['prefix']}/{manifest['attempt']}"
    for record in manifest["files"]:
        assert shop.get_object(Bucket=RESULTS, Key=f"{place}/{record['name']}")["ContentLength"] > 0
    others = [k for k in keys_in_results(cloud) if "/lists/" not in k and not k.endswith("latest.json")]
    assert others
    assert all(refused(shop.get_object, Bucket=RESULTS, Key=key) for key in others)
    assert refused(shop.list_objects_v2, Bucket=RESULTS)
    assert refused(shop.put_object, Bucket=RESULTS, Key=f"{MARKET}/latest.json", Body="{}")


def test_the_delivery_can_neither_read_nor_list(cloud: Cloud, decided: Rented):
    s3 = cloud.client("s3", *cloud.user("another-delivery", "raw-writer"))
    assert refused(s3.list_objects_v2, Bucket=RAW)
    assert refused(s3.put_object, Bucket=RESULTS, Key=f"{MARKET}/latest.json", Body="{}")


def test_a_refusal_names_the_place_and_never_the_keys(
    cloud: Cloud, decided: Rented, monkeypatch: pytest.MonkeyPatch
):
    for name, value in decided.environment().items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    storage = open_storage(f"s3://{RAW}")
    with pytest.raises(Exception, match="AccessDenied") as caught:
        storage.write("web_interactions/x", b"")
    assert not any(key in str(caught.value) for key in decided.keys)
