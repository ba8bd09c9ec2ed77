"""Configurations and floors cost nothing to import: a process of the CPU pool never sees torch."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["hm_pipeline.models.fit", "hm_pipeline.models.release", "hm_pipeline.retrieval.answer"]
)
def test_no_torch_no_implicit_no_annoy(module: str) -> None:
    heavy = "{'torch', 'implicit', 'annoy', 'faiss', 'matplotlib', 'mlflow'} & set(sys.modules)"
    code = f"import sys, {module}; print(sorted({heavy}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
