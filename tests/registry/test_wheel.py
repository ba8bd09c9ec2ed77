"""Our own wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

from hm_pipeline.registry.wheel import build_wheel


def test_the_same_code_gives_the_same_bytes(tmp_path: Path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    assert build_wheel(first).read_bytes() == build_wheel(second).read_bytes()
    assert [f.name for f in first.iterdir()] == [f.name for f in second.iterdir()]


def test_it_holds_the_library_and_nothing_else(tmp_path: Path):
    names = zipfile.ZipFile(build_wheel(tmp_path)).namelist()
    assert "hm_pipeline/registry/serving.py" in names
    assert all(name.startswith(("hm_pipeline/", "hm_pipeline-")) for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_pip_installs_it(tmp_path: Path):
    wheel = build_wheel(tmp_path)
    target = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "-q",
        "--target",
        str(target),
    ]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True, text=True, timeout=60)
    assert (target / "hm_pipeline" / "errors.py").exists()


def test_it_imports_from_inside_the_zip_and_builds_the_same_wheel_from_there(tmp_path: Path):
    wheel = build_wheel(tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r}); from pathlib import Path; "
        "import hm_pipeline.registry.wheel as w; assert '.whl' in w.__file__, w.__file__; "
        f"w.build_wheel(Path({str(again)!r}))"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, cwd=tmp_path, timeout=60)
    assert (again / wheel.name).read_bytes() == wheel.read_bytes()
