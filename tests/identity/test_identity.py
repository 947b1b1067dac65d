"""Equal bytes everywhere: in other processes, for other threads, without the processor's newest instructions, and
from another engine. IDENTITY=all runs every circuit in every surrounding; without it a slice does. OTHER_PYTHONS names
other versions of Python to ask as well."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from digests import circuits
from other_engine import OtherEngine, to_other

from hexchange.circuit.editions import EDITIONS, LINEAR
from hexchange.circuit.lowering import lower
from hexchange.circuit.program import CANONICAL_HEADER
from hexchange.errors import MalformedBlob
from hexchange.he import canonical, selftest
from hexchange.he.engine import engine

OTHERS = os.environ.get("OTHER_PYTHONS", "").split()
"""Commands of other versions of Python that find this package and what it imports, where there are any."""

ALL = os.environ.get("IDENTITY") == "all"
PLAIN = "glibc.cpu.hwcaps=-AVX2,-AVX512F,-FMA,-FMA4"
SURROUNDINGS: dict[str, dict[str, str]] = {
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "four threads": {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"},
    "a C library without FMA and AVX": {"GLIBC_TUNABLES": PLAIN},
    "another seed of hashes": {"PYTHONHASHSEED": "12345"},
    **{python: {} for python in OTHERS},
}
QUICK = [name for name in circuits() if "train" not in name and "bounded" not in name]
CHOSEN = list(circuits()) if ALL else QUICK
PROBE = "import math; print([math.tan(x / 7).hex() + math.atan(x / 7).hex() for x in range(200000)])"
PROGRAMS = {edition.name: selftest.every_primitive(edition) for edition in EDITIONS.values()}


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    """Digests of this process."""
    return {name: selftest.digest(lower(circuit)) for name, circuit in circuits().items() if name in CHOSEN}


@pytest.mark.parametrize("surrounding", SURROUNDINGS if ALL else list(SURROUNDINGS)[1:3])
def test_every_circuit_has_one_digest(surrounding: str, here: dict[str, str]) -> None:
    python = surrounding if surrounding in OTHERS else sys.executable
    if surrounding in OTHERS:
        told = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
        assert told.stdout.split()[1] != platform.python_version()
    script = Path(__file__).with_name("digests.py")
    done = subprocess.run(
        [python, str(script), *CHOSEN], capture_output=True, text=True, check=True,
        env={**os.environ, **SURROUNDINGS[surrounding]},
    )  # fmt: skip
    assert json.loads(done.stdout) == here


def test_circuits_of_every_edition_are_asked() -> None:
    assert {name.split(", ")[1] for name in circuits()} == set(EDITIONS)
    assert len(QUICK) > 20


def test_without_fma_the_c_library_does_compute_otherwise() -> None:
    """Else the surrounding would show nothing."""
    told = [
        subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True, env=env).stdout
        for env in (dict(os.environ), {**os.environ, "GLIBC_TUNABLES": PLAIN})
    ]
    if "fma" not in Path("/proc/cpuinfo").read_text():
        assert told[0] == told[1]
    else:
        assert told[0] != told[1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_another_engine_computes_the_same_bytes(name: str, tmp_path: Path) -> None:
    program = PROGRAMS[name]
    run = selftest.evaluated(program)
    other = OtherEngine(program, tmp_path).outputs()
    assert len(run.outputs) == len(other)
    for (output, block, _), data in zip(program.result_sizes(), run.outputs, strict=True):
        assert sha256(data[CANONICAL_HEADER:]).digest() == sha256(other[output, block]).digest()


def test_a_file_of_another_engine_is_refused_and_both_formats_are_named() -> None:
    program = PROGRAMS[LINEAR.name]
    ours, shape = engine(LINEAR.parameters), program.inputs[0].shape
    with pytest.raises(MalformedBlob, match=r"SEAL format 4\.4, not 4\.3"):
        canonical.from_seeded(ours, to_other(selftest.ciphertext(ours, shape, "a")), shape)
