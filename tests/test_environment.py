"""The environment's fingerprint: stable where it must be, different where it must be."""

import json
import subprocess
import sys

import pytest

from kb import environment
from kb.words import Hardware


def test_two_looks_at_one_machine_agree_also_from_another_process():
    code = "from kb.environment import observe; print(observe('cpu', 2).fingerprint)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == environment.observe("cpu", 2).fingerprint


@pytest.mark.parametrize(("device", "threads"), [("cpu", 1), ("cuda", 2)])
def test_other_settings_are_another_environment(device, threads):
    assert environment.observe(device, threads).fingerprint != environment.observe("cpu", 2).fingerprint


def test_an_environment_with_an_unknown_part_equals_no_other(monkeypatch):
    monkeypatch.setattr(environment, "_cpuinfo", lambda: {"model name": environment.UNKNOWN})
    assert environment.observe("cpu", 2).fingerprint != environment.observe("cpu", 2).fingerprint


def test_nothing_that_changes_by_the_moment_stands_in_the_key():
    observed = environment.observe("cpu", 2)
    assert not {"load", "free_gib", "uptime_s", "governor"} & set(json.dumps(observed.key).split('"'))
    assert {"load", "free_gib", "uptime_s", "governor"} <= set(observed.context)


@pytest.mark.parametrize(
    ("device", "found"), [("cpu", Hardware.CPU), ("cuda", Hardware.GPU), ("tpu", Hardware.TPU)]
)
def test_a_device_belongs_to_a_class(device, found):
    assert environment.hardware_class(device) is found


def test_the_cpu_is_always_a_device():
    assert environment.devices()[0] == "cpu"
    assert environment.default_threads() >= 1
