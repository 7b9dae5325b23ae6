"""The environment's fingerprint: stable where it must be, different where it must be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import cgroups, environment
from kb.environment import Environment, observe
from kb.host import apple_processor, host
from kb.plan import digest
from kb.system_files import UNKNOWN

MOMENTARY = {
    "load", "runnable", "free_gib", "swap_gib", "uptime_s", "steal_s", "governor", "frequency_driver", "turbo",
    "max_khz", "microcode", "machine", "clock", "kb", "other_variables",
}  # fmt: skip
X86 = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8481C
stepping\t: 8
cpu MHz\t\t: 2699.998
flags\t\t: fpu sse4_2 avx avx2 avx512f amx_tile {hypervisor}

processor\t: 1
vendor_id\t: GenuineIntel
"""
ARM = """processor\t: 0
BogoMIPS\t: 2100.00
Features\t: fp asimd sve bf16
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
CPU revision\t: 1
"""


def plant(root: Path, files: dict[str, str]) -> Path:
    """Write files under a root."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n", encoding="utf-8")
    return root


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A virtual machine of one socket with two cores of two threads each, as its files show it."""
    cpu = "sys/devices/system/cpu/cpu"
    files = {
        "proc/cpuinfo": X86.format(hypervisor="hypervisor"),
        "sys/devices/system/cpu/smt/active": "1",
        "sys/devices/system/clocksource/clocksource0/available_clocksource": "kvm-clock tsc",
        "sys/class/dmi/id/sys_vendor": "Google",
        "sys/class/dmi/id/product_name": "Google Compute Engine",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
        "sys/devices/system/node/node0/cpulist": "0-3",
        "proc/self/cgroup": "0::/",
    }
    for number in range(4):
        files[f"{cpu}{number}/topology/physical_package_id"] = "0"
        files[f"{cpu}{number}/topology/core_cpus_list"] = f"{number % 2},{number % 2 + 2}"
        for index, (level, kind, size) in enumerate(
            [(1, "Data", 48), (1, "Instruction", 32), (2, "Unified", 2048)]
        ):
            here = f"{cpu}{number}/cache/index{index}"
            files |= {f"{here}/level": str(level), f"{here}/type": kind, f"{here}/size": f"{size}K"}
    return plant(tmp_path, files)


def unreadable(path: Path) -> None:
    """Put something in a file's place that exists and cannot be read, also not by root."""
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


# ------------------------------------------------------------------------------------------------ fingerprint


def test_this_machine_is_read_without_a_gap_and_two_processes_agree_on_it():
    code = "from kb.environment import observe; print(observe('cpu', 2).fingerprint)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = observe("cpu", 2)
    assert here.unread == []
    assert other.stdout.strip() == here.fingerprint == observe("cpu", 2).fingerprint


@pytest.mark.parametrize(("device", "threads"), [("cpu", 1), ("cuda", 2)])
def test_other_settings_are_another_environment(device, threads):
    assert observe(device, threads).fingerprint != observe("cpu", 2).fingerprint


def test_one_more_distribution_is_another_environment(tmp_path, monkeypatch):
    before = observe("cpu", 2)
    plant(tmp_path, {"oddity-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: oddity\nVersion: 1.0"})
    monkeypatch.syspath_prepend(str(tmp_path))
    after = observe("cpu", 2)
    assert "oddity==1.0" in after.context["distributions"]
    assert after.key["build"]["lock"] != before.key["build"]["lock"]
    assert {**after.key, "build": None} == {**before.key, "build": None}


def test_another_version_of_kb_itself_is_the_same_environment(tmp_path, monkeypatch):
    before = observe("cpu", 2)
    plant(
        tmp_path, {"claims_kb-99.dist-info/METADATA": "Metadata-Version: 2.1\nName: claims-kb\nVersion: 99"}
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    after = observe("cpu", 2)
    assert (after.context["kb"], after.fingerprint) == ("99", before.fingerprint)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OMP_PROC_BIND", "close"),
        ("TF_ENABLE_ONEDNN_OPTS", "0"),
        ("XLA_FLAGS", "--xla_cpu_x"),
        ("LD_PRELOAD", "/nowhere/libjemalloc.so.2"),
        ("MALLOC_ARENA_MAX", "1"),
        ("PYTHONHASHSEED", "7"),
    ],
)
def test_a_variable_that_changes_how_frameworks_compute_is_another_environment(monkeypatch, variable, value):
    before = observe("cpu", 2).fingerprint
    monkeypatch.setenv(variable, value)
    after = observe("cpu", 2)
    assert after.fingerprint != before
    assert Path(value).name in json.dumps(after.key)


@pytest.mark.parametrize(
    "variable",
    ["TF_VAR_password", "TF_TOKEN_host", "JAX_SECRET", "XLA_API_KEY", "GITHUB_PAT", "DATABASE_URL"],
)
def test_the_value_of_a_variable_that_could_be_a_secret_is_kept_nowhere(monkeypatch, variable):
    before = observe("cpu", 2).fingerprint
    monkeypatch.setenv(variable, "hunter2")
    after = observe("cpu", 2)
    assert "hunter2" not in json.dumps([after.key, after.context])
    assert variable in after.context["other_variables"]
    assert after.fingerprint == before


def test_where_a_framework_keeps_its_files_does_not_make_another_environment(monkeypatch):
    before = observe("cpu", 2).fingerprint
    monkeypatch.setenv("TORCH_HOME", "/home/somebody")
    after = observe("cpu", 2)
    assert after.fingerprint == before
    assert "somebody" not in json.dumps([after.key, after.context])


def names_in(value: object) -> set[str]:
    """Return every name of JSON data, at any depth."""
    if isinstance(value, list):
        return set().union(*map(names_in, value))
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set()


def test_the_key_and_context_are_json_and_nothing_of_the_moment_stands_in_the_key(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "name-of-the-machine")
    found = observe("cpu", 2)
    assert json.loads(json.dumps(found.key, allow_nan=False)) == found.key
    assert json.loads(json.dumps(found.context, allow_nan=False)) == found.context
    assert names_in(found.key).isdisjoint(MOMENTARY)
    assert set(found.context) >= MOMENTARY
    assert "name-of-the-machine" not in json.dumps([found.key, found.context])


def test_the_key_has_the_groups_and_names_that_outcomes_and_pages_read():
    key = observe("cpu", 2).key
    assert set(key) == {"host", "accelerators", "os", "python", "packages", "build", "settings"}
    assert isinstance(key["host"]["logical_cores"], int)
    assert isinstance(key["host"]["cpu"], str)
    assert all(isinstance(found, str) for found in key["packages"].values())
    assert key["packages"]["numpy"].count(".") == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just("known"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abcd"), JSON), st.sampled_from("abcd"), st.booleans())
def test_an_unknown_anywhere_is_named_and_nothing_else_is(key, place, plant_one):
    if plant_one:
        key = {**key, place: [{"deep": UNKNOWN}]}
    unread = Environment(key, {}).unread
    assert unread == ([f"{place}.0.deep"] if plant_one else [])
    assert len(digest(key)) == 64


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("proc/cpuinfo", "host.cpu"),
        ("sys/class/dmi/id/sys_vendor", "host.product"),
        ("sys/devices/system/cpu/cpu0/cache/index2/size", "host.l2_kib"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "os.transparent_huge_pages"),
    ],
)
def test_an_environment_with_a_part_that_cannot_be_read_equals_no_other(server, monkeypatch, path, part):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    assert observe("cpu", 2, server).fingerprint == observe("cpu", 2, server).fingerprint
    unreadable(server / path)
    found = observe("cpu", 2, server)
    assert part in found.unread
    assert found.fingerprint != observe("cpu", 2, server).fingerprint


# ------------------------------------------------------------------------------------------------------- host


def test_a_host_is_what_its_files_say(server):
    found = host(server, frozenset({0, 1, 2, 3}))
    assert {name: value for name, value in found.items() if name not in ("architecture", "memory_gib")} == {
        "cpu_vendor": "GenuineIntel",
        "cpu": "Intel(R) Xeon(R) Platinum 8481C",
        "family": "6",
        "model": "143",
        "stepping": "8",
        "isa": ["amx_tile", "avx", "avx2", "avx512f", "sse4_2"],
        "sockets": 1,
        "physical_cores": 2,
        "logical_cores": 4,
        "smt": True,
        "numa_nodes": 1,
        "l1d_kib": 48,
        "l1i_kib": 32,
        "l2_kib": 2048,
        "l3_kib": None,
        "virtualisation": "kvm",
        "container": None,
        "product": "Google Google Compute Engine",
        "cpu_quota": None,
        "memory_limit_mib": None,
    }


@pytest.mark.parametrize(("cpus", "physical"), [({0}, 1), ({0, 2}, 1), ({0, 1}, 2), ({0, 1, 2}, 2)])
def test_only_the_cores_that_the_process_may_use_count(server, cpus, physical):
    found = host(server, frozenset(cpus))
    assert (found["physical_cores"], found["logical_cores"]) == (physical, len(cpus))


def test_a_bare_machine_is_not_virtualised_whatever_clocks_it_has(server):
    plant(server, {"proc/cpuinfo": X86.format(hypervisor="")})
    assert host(server, frozenset({0}))["virtualisation"] is None


def test_a_guest_whose_hypervisor_nothing_names_is_unknown(server):
    plant(server, {
        "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc",
        "sys/class/dmi/id/sys_vendor": "Nobody", "sys/class/dmi/id/product_name": "Box",
    })  # fmt: skip
    assert host(server, frozenset({0}))["virtualisation"] == UNKNOWN


def test_an_arm_processor_is_named_by_its_numbers(server):
    plant(server, {"proc/cpuinfo": ARM})
    found = host(server, frozenset({0}))
    assert (found["cpu"], found["cpu_vendor"], found["model"]) == (
        "ARM implementer 0x41, part 0xd40",
        "0x41",
        "0xd40",
    )
    assert found["isa"] == ["asimd", "bf16", "sve"]
    assert found["virtualisation"] == "kvm"


def test_a_mac_is_what_its_tool_says(tmp_path, monkeypatch):
    said = (
        "hw.l1dcachesize: 65536\nhw.l2cachesize: 4194304\nhw.optional.arm.FEAT_BF16: 1\n"
        "hw.optional.arm.FEAT_SME: 0\nhw.cputype: 16777228\nhw.cpusubtype: 2\nhw.cpufamily: 1598941843\n"
        "machdep.cpu.brand_string: Apple M3 Max"
    )
    (tmp_path / "sysctl").write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
    (tmp_path / "sysctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert apple_processor() == {
        "cpu_vendor": "Apple",
        "cpu": "Apple M3 Max",
        "family": "1598941843",
        "model": "16777228",
        "stepping": "2",
        "isa": ["BF16"],
        "l1d_kib": 64,
        "l1i_kib": None,
        "l2_kib": 4096,
        "l3_kib": None,
    }


@pytest.mark.parametrize(
    ("mark", "text", "container"),
    [
        (".dockerenv", "", "docker"),
        ("run/.containerenv", "", "podman"),
        ("run/systemd/container", "lxc", "lxc"),
    ],
)
def test_a_container_is_known_by_its_mark(server, mark, text, container):
    assert host(plant(server, {mark: text}), frozenset({0}))["container"] == container


# --------------------------------------------------------------------------------------------- control groups

UNIFIED = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
SPLIT = (
    "32 31 0:29 {shown} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 {shown} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
)
TOTAL = 16 * 1024**3


def test_the_smallest_limit_on_the_way_up_is_in_force(tmp_path):
    plant(tmp_path, {
        "proc/self/mountinfo": UNIFIED,
        "proc/self/cgroup": "0::/slice/unit",
        "sys/fs/cgroup/slice/unit/cpu.max": "max 100000",
        "sys/fs/cgroup/slice/unit/memory.max": "4294967296",
        "sys/fs/cgroup/slice/cpu.max": "150000 100000",
        "sys/fs/cgroup/slice/memory.max": "2147483648",
    })  # fmt: skip
    assert cgroups.cpu_quota(tmp_path) == 1.5
    assert cgroups.memory_limit_mib(TOTAL, tmp_path) == 2048


@pytest.mark.parametrize("shown", ["/", "/docker/abc"])
def test_limits_of_the_first_version_are_found_under_either_mount(tmp_path, shown):
    inside = "" if shown != "/" else "docker/abc/"
    plant(tmp_path, {
        "proc/self/mountinfo": SPLIT.format(shown=shown),
        "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/",
        f"sys/fs/cgroup/cpu,cpuacct/{inside}cpu.cfs_quota_us": "400000",
        f"sys/fs/cgroup/cpu,cpuacct/{inside}cpu.cfs_period_us": "100000",
        f"sys/fs/cgroup/memory/{inside}memory.limit_in_bytes": "1073741824",
    })  # fmt: skip
    assert cgroups.cpu_quota(tmp_path) == 4.0
    assert cgroups.memory_limit_mib(TOTAL, tmp_path) == 1024


def test_no_limit_is_none_and_a_limit_above_the_machines_memory_is_no_limit(tmp_path):
    assert cgroups.cpu_quota(tmp_path) is None
    plant(tmp_path, {
        "proc/self/mountinfo": SPLIT.format(shown="/"),
        "proc/self/cgroup": "4:memory:/\n3:cpu,cpuacct:/",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    })  # fmt: skip
    assert cgroups.cpu_quota(tmp_path) is None
    assert cgroups.memory_limit_mib(TOTAL, tmp_path) is None


def test_a_limit_that_cannot_be_read_is_unknown(tmp_path):
    plant(tmp_path, {"proc/self/mountinfo": UNIFIED, "proc/self/cgroup": "0::/"})
    unreadable(tmp_path / "sys/fs/cgroup/cpu.max")
    unreadable(tmp_path / "sys/fs/cgroup/memory.max")
    assert cgroups.cpu_quota(tmp_path) == UNKNOWN
    assert cgroups.memory_limit_mib(TOTAL, tmp_path) == UNKNOWN


@pytest.mark.parametrize(("quota", "threads"), [("100000", 1), ("150000", 1), ("50000", 1), ("max", 2)])
def test_the_default_threads_stay_within_the_quota(server, monkeypatch, quota, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    plant(server, {"proc/self/mountinfo": UNIFIED, "sys/fs/cgroup/cpu.max": f"{quota} 100000"})
    assert environment.default_threads(server) == threads


# ---------------------------------------------------------------------------------------------------- context


def test_the_context_reads_frequencies_turbo_and_microcode_where_there_are_such(server):
    plant(server, {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "intel_pstate",
        "sys/devices/system/cpu/intel_pstate/no_turbo": "1",
        "proc/loadavg": "0.1 0.2 0.3 3/210 4711",
    })  # fmt: skip
    found = environment.context(server)
    assert (found["governor"], found["frequency_driver"], found["turbo"]) == (
        "performance",
        "intel_pstate",
        False,
    )
    assert (found["runnable"], found["microcode"], found["max_khz"]) == (3, None, None)
    assert found["uptime_s"] > 0
    assert found["free_gib"] <= psutil.virtual_memory().total / environment.GIB
