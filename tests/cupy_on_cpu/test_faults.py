"""What a GPU does when a program is wrong, or when there is less of it than the program wants."""

from __future__ import annotations

from tests.cupy_on_cpu.conftest import Run

NULL_POINTER = """
kernel = cp.RawKernel('extern "C" __global__ void bad(float* p) { p[threadIdx.x] = 1; }', 'bad')
kernel((1,), (4,), (np.intp(0),))
for use in (cp.cuda.Device().synchronize, lambda: cp.arange(3), lambda: cp.ones(3)):
    try:
        use()
    except RuntimeError as error:
        print(error.status)
"""
DEADLOCK = """
source = '''extern "C" __global__ void apart(float* p) {
    if (threadIdx.x < 3) __syncthreads(); else while (p[0] == 0) __syncwarp();
}'''
kernel, x = cp.RawKernel(source, 'apart'), cp.zeros(4, 'f4')
kernel((1,), (32,), (x,))
try:
    cp.cuda.Device().synchronize()
except RuntimeError as error:
    print(error.status)
"""
OUT_OF_BOUNDS = """
x = cp.zeros(4)
for size in (32, 1 << 20):
    try:
        x.data.copy_from_host(np.zeros(1 << 20, 'u1').ctypes.data_as(__import__('ctypes').c_void_p), size)
        print('copied')
    except RuntimeError as error:
        print(error.status)
"""
OUT_OF_MEMORY = """
try:
    cp.empty(1 << 30, 'u1')
except MemoryError as error:
    print(type(error).__name__, error)
print(cp.arange(3).sum().item())
"""
TWO_DEVICES = """
print(cp.cuda.runtime.getDeviceCount())
with cp.cuda.Device(1):
    there = cp.arange(3)
here = cp.arange(3)
print(here.device.id, there.device.id)
try:
    here + there
except ValueError as error:
    print('Peer access is unavailable' in str(error))
print((here + cp.asarray(there)).sum().item())
with cp.cuda.Device(1):
    print((there + 1).device.id)
"""
NO_DEVICE = """
print(cp.cuda.is_available())
for use in (cp.cuda.runtime.getDeviceCount, lambda: cp.arange(3)):
    try:
        use()
    except RuntimeError as error:
        print(error.status)
"""
ORDER = """
x, i = cp.zeros(2), cp.arange(1000) % 2
x[i] = cp.arange(1000.0)
sums = cp.zeros(2, 'f4')
cp.add.at(sums, i, cp.arange(1000, dtype='f4') * np.float32(0.1))
print(x.tolist(), sums.tolist(), cp.arange(1000).sum().item())
"""


def lines(run_program: Run, program: str, **variables: str) -> list[str]:
    """What a program prints, which must succeed."""
    done = run_program(program, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_null_pointer_breaks_the_device_for_good(run_program: Run) -> None:
    assert lines(run_program, NULL_POINTER) == ["700"] * 3


def test_threads_that_wait_for_each_other_for_ever(run_program: Run) -> None:
    assert lines(run_program, DEADLOCK) == ["719"]


def test_copies_keep_to_their_allocation(run_program: Run) -> None:
    assert lines(run_program, OUT_OF_BOUNDS) == ["copied", "1"]


def test_memory_runs_out_and_the_program_goes_on(run_program: Run) -> None:
    message, after = lines(run_program, OUT_OF_MEMORY, CUPY_ON_CPU_MEMORY_MB="64")
    assert message.startswith("OutOfMemoryError Out of memory allocating 1,073,741,824 bytes")
    assert after == "3"


def test_two_devices_are_apart(run_program: Run) -> None:
    assert lines(run_program, TWO_DEVICES, CUPY_ON_CPU_DEVICES="2") == ["2", "0 1", "True", "6", "1"]


def test_no_device(run_program: Run) -> None:
    assert lines(run_program, NO_DEVICE, CUPY_ON_CPU_DEVICES="0") == ["False", "100", "100"]


def test_what_depends_on_the_order_of_threads_shows(run_program: Run) -> None:
    orders = ("forward", "reverse", "shuffle:1", "shuffle:2", "shuffle:2")
    printed = [lines(run_program, ORDER, CUPY_ON_CPU_ORDER=order) for order in orders]
    assert printed[0][0].startswith("[998.0, 999.0]")
    assert printed[1][0].startswith("[0.0, 1.0]")
    assert printed[3] == printed[4]
    assert len({line for (line,) in printed}) == 4
    assert all(line.endswith("499500") for (line,) in printed)


def test_a_misspelt_option_ends_the_program(run_program: Run) -> None:
    done = run_program("cp.arange(3)", CUPY_ON_CPU_ORDER="shufle")
    assert done.returncode == 2
    assert "expected forward, reverse, shuffle" in done.stderr
