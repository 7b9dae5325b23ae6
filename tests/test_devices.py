"""Accelerators are found in trees of files and by tools as their vendors' drivers give them, and hidden."""

from pathlib import Path

import pytest

from kb import vendors
from kb.devices import CLASSES, absent, accelerators, devices, hardware_class, hidden
from kb.system_files import UNKNOWN
from kb.words import Hardware

SMI = """#!/bin/sh
case "$1" in
  --query-gpu=*compute_cap*) {new};;
  --query-gpu=*) {old};;
  *) echo '| NVIDIA-SMI 550.54    Driver Version: 550.54    {label}: 12.4     |';;
esac
"""
H200 = "echo 'NVIDIA H200, 143771 MiB, 550.54, 9.0, 700.00 W, Disabled, Enabled'"
REFUSED = "echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2"


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, but for the shell's own."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in vendors.TPU_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty file system."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def install(tools: Path, name: str, script: str) -> None:
    path = tools / name
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n", encoding="utf-8")


def test_an_empty_machine_has_its_processor_and_says_what_else_was_looked_for(root):
    assert devices(root) == ["cpu"]
    assert accelerators(root) == []
    assert set(absent(["cpu"])) == set(CLASSES)
    assert "nvidia-smi" in absent(["cpu"])["cuda"]
    assert set(absent(["cpu", "cuda"])) == set(CLASSES) - {"cuda"}


# ----------------------------------------------------------------------------------------------------- NVIDIA


@pytest.mark.parametrize("label", ["CUDA Version", "CUDA UMD Version"])
def test_nvidias_gpus_are_those_that_its_tool_lists(root, tools, label):
    install(tools, "nvidia-smi", SMI.format(new=f"{H200}; {H200}", old="exit 1", label=label))
    assert devices(root) == ["cpu", "cuda"]
    assert (
        accelerators(root)
        == [
            {
                "device": "cuda",
                "name": "NVIDIA H200",
                "vendor": "NVIDIA",
                "memory": "143771 MiB",
                "driver": "550.54",
                "runtime": "12.4",
                "compute_capability": "9.0",
                "partition": "Disabled",
                "ecc": "Enabled",
                "power_limit": "700.00 W",
            }
        ]
        * 2
    )


def test_what_a_gpu_does_not_have_is_none_and_what_fails_is_unknown(root, tools):
    said = "echo 'NVIDIA GeForce, 8192 MiB, 550.54, 8.6, [N/A], [Not Supported], [Unknown Error]'"
    install(tools, "nvidia-smi", SMI.format(new=said, old="exit 1", label="CUDA Version"))
    (found,) = accelerators(root)
    assert (found["power_limit"], found["partition"], found["ecc"]) == (None, None, UNKNOWN)


def test_an_old_tool_that_refuses_a_field_is_asked_for_the_others(root, tools):
    old = "echo 'Tesla K80, 11441 MiB, 418.67'"
    install(tools, "nvidia-smi", SMI.format(new=REFUSED, old=old, label="CUDA Version"))
    (found,) = accelerators(root)
    assert (found["name"], found["memory"], found["driver"]) == ("Tesla K80", "11441 MiB", "418.67")
    assert (found["compute_capability"], found["ecc"]) == (UNKNOWN, UNKNOWN)


@pytest.mark.parametrize("script", ["echo 'No devices were found'", "echo 'has failed' >&2; exit 9"])
def test_a_tool_that_lists_nothing_makes_no_gpu(root, tools, script):
    install(tools, "nvidia-smi", f"#!/bin/sh\n{script}\n")
    assert devices(root) == ["cpu"]


def test_without_a_tool_the_driver_shows_its_gpus_and_the_rest_is_unknown(root):
    information = {"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA A100\nIRQ: 1"}
    version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19"
    plant(root, {**information, "proc/driver/nvidia/version": version})
    assert devices(root) == ["cpu"], "a container without device files cannot use the GPU that /proc shows"
    plant(root, {"dev/nvidia0": ""})
    (found,) = accelerators(root)
    assert (found["device"], found["name"], found["driver"]) == ("cuda", "NVIDIA A100", "535.104.05")
    assert found["memory"] == found["runtime"] == found["compute_capability"] == UNKNOWN


# -------------------------------------------------------------------------------------------------------- AMD

KFD = "sys/class/kfd/kfd/topology/nodes"


def mi300x(root: Path) -> None:
    gpu = "simd_count 1216\ngfx_target_version 90402\nvendor_id 4098\ndrm_render_minor 128"
    drm = "sys/class/drm/renderD128/device"
    plant(root, {
        f"{KFD}/0/properties": "cpu_cores_count 96\nsimd_count 0\ngfx_target_version 0",
        f"{KFD}/1/properties": gpu,
        "dev/kfd": "",
        f"{drm}/product_name": "AMD Instinct MI300X OAM",
        f"{drm}/mem_info_vram_total": str(196592 * 1024**2),
        f"{drm}/current_compute_partition": "SPX",
        f"{drm}/hwmon/hwmon3/power1_cap": "750000000",
        "sys/module/amdgpu/version": "6.7.8",
        "opt/rocm/.info/version": "6.2.0-66",
    })  # fmt: skip


def test_amds_gpus_are_the_compute_drivers_nodes_with_vector_units(root):
    mi300x(root)
    assert devices(root) == ["cpu", "rocm"]
    assert accelerators(root) == [
        {
            "device": "rocm",
            "name": "AMD Instinct MI300X OAM",
            "vendor": "AMD",
            "memory": "196592 MiB",
            "driver": "6.7.8",
            "runtime": "6.2.0-66",
            "compute_capability": "gfx942",
            "partition": "SPX",
            "ecc": None,
            "power_limit": "750 W",
        }
    ]


def test_without_its_device_file_an_amd_gpu_cannot_be_used(root):
    mi300x(root)
    (root / "dev/kfd").unlink()
    assert devices(root) == ["cpu"]


@pytest.mark.parametrize(
    ("number", "name"), [("90402", "gfx942"), ("90010", "gfx90a"), ("110000", "gfx1100"), ("", UNKNOWN)]
)
def test_a_generation_has_the_name_that_compilers_use(number, name):
    assert vendors._gfx(number) == name


# ------------------------------------------------------------------------------------------------------ Apple


def test_a_mac_with_an_apple_processor_has_its_gpu_and_no_other_machine_has(tools):
    install(tools, "sysctl", "#!/bin/sh\necho 'Apple M3 Max'\n")
    (found,) = vendors.apple("Darwin", "arm64")
    assert (found.name, found.model, found.runtime) == ("mps", "Apple M3 Max", "Metal")
    assert vendors.apple("Darwin", "x86_64") == vendors.apple("Linux", "aarch64") == []


# ------------------------------------------------------------------------------------------------------ Intel


def card(root: Path, name: str, address: str, vendor: str, driver: str) -> None:
    """Make a graphics card as /sys shows it: links to its PCI function and on to its driver."""
    function = root / f"sys/devices/pci0000:00/{address}"
    plant(
        root, {f"sys/devices/pci0000:00/{address}/vendor": vendor, f"sys/bus/pci/drivers/{driver}/bind": ""}
    )
    plant(root, {f"sys/devices/pci0000:00/{address}/device": "0xe20b", f"sys/class/drm/{name}/dev": "226:0"})
    (root / f"sys/class/drm/{name}/device").symlink_to(function)
    (function / "driver").symlink_to(root / f"sys/bus/pci/drivers/{driver}")


def test_intels_discrete_gpus_count_and_the_one_in_the_processor_does_not(root, tools):
    card(root, "card0", "0000:00:02.0", "0x8086", "i915")
    card(root, "card1", "0000:03:00.0", "0x8086", "xe")
    card(root, "card2", "0000:04:00.0", "0x10de", "nouveau")
    plant(root, {
        "sys/class/drm/card1-DP-1/status": "connected",
        "sys/devices/pci0000:00/0000:03:00.0/tile0/physical_vram_size_bytes": hex(12 * 1024**3),
        "usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1.6.31294": "",
    })  # fmt: skip
    listed = '{"device_list": [{"pci_bdf_address": "0000:03:00.0", "device_name": "Intel(R) Arc(TM) B580"}]}'
    assert accelerators(root)[0]["name"] == "Intel 0xe20b"
    install(tools, "xpu-smi", f"#!/bin/sh\necho '{listed}'\n")
    (found,) = accelerators(root)
    assert (found["device"], found["name"]) == ("xpu", "Intel(R) Arc(TM) B580")
    assert (found["memory"], found["driver"], found["runtime"]) == ("12288 MiB", "xe in-tree", "1.6.31294")


@pytest.mark.parametrize("said", ["", "no json", "[]", '{"device_list": [{}]}'])
def test_a_tool_that_answers_rubbish_leaves_the_gpu_by_its_number(root, tools, said):
    card(root, "card1", "0000:03:00.0", "0x8086", "xe")
    install(tools, "xpu-smi", f"#!/bin/sh\necho '{said}'\n")
    assert accelerators(root)[0]["name"] == "Intel 0xe20b"


# ----------------------------------------------------------------------------------------------------- Google


def function(root: Path, address: str, vendor: str, device: str) -> None:
    folder = f"sys/bus/pci/devices/{address}"
    plant(root, {f"{folder}/vendor": vendor, f"{folder}/device": device})


def test_tpus_are_told_from_googles_network_cards_by_their_device_id(root):
    function(root, "0000:00:03.0", "0x1ae0", "0x0042")
    assert devices(root) == ["cpu"]
    function(root, "0000:00:05.0", "0x1ae0", "0x006f")
    function(root, "0000:00:06.0", "0x1ae0", "0x006f")
    assert devices(root) == ["cpu", "tpu"]
    assert [each["name"] for each in accelerators(root)] == ["TPU v6e", "TPU v6e"]


@pytest.mark.parametrize("file", ["dev/accel0", "dev/vfio/0"])
def test_where_the_bus_is_hidden_a_device_file_counts_if_googles_variables_are_set(root, monkeypatch, file):
    plant(root, {file: ""})
    assert devices(root) == ["cpu"]
    monkeypatch.setenv("TPU_WORKER_ID", "0")
    assert [each["name"] for each in accelerators(root)] == [UNKNOWN]
    monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v5litepod-4")
    assert [each["name"] for each in accelerators(root)] == ["TPU v5litepod-4"]


# ----------------------------------------------------------------------------------------- classes and hiding


@pytest.mark.parametrize(
    ("device", "found"),
    [
        ("cpu", Hardware.CPU),
        ("cuda", Hardware.GPU),
        ("rocm", Hardware.GPU),
        ("mps", Hardware.GPU),
        ("xpu", Hardware.GPU),
        ("tpu", Hardware.TPU),
    ],
)
def test_a_device_belongs_to_a_class(device, found):
    assert hardware_class(device) is found


def test_a_worker_on_the_cpu_sees_no_accelerator():
    assert hidden("cpu") == {
        "CUDA_VISIBLE_DEVICES": "-1",
        "HIP_VISIBLE_DEVICES": "-1",
        "ONEAPI_DEVICE_SELECTOR": "*:cpu",
        "JAX_PLATFORMS": "cpu",
    }


@pytest.mark.parametrize(
    ("device", "own", "platforms"),
    [
        ("cuda", {"CUDA_VISIBLE_DEVICES"}, "cuda,cpu"),
        ("rocm", {"HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"}, "rocm,cpu"),
        ("xpu", {"ONEAPI_DEVICE_SELECTOR"}, "cpu"),
        ("mps", set(), "cpu"),
        ("tpu", set(), "tpu,cpu"),
    ],
)
def test_a_worker_sees_the_one_kind_that_it_runs_on(device, own, platforms):
    variables = hidden(device)
    assert variables.pop("JAX_PLATFORMS") == platforms
    assert set(variables) == set(hidden("cpu")) - {"JAX_PLATFORMS"} - own
