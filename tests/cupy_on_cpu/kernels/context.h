// What a compiled kernel and the scheduler that runs it know of each other.
#pragma once

namespace cupy_on_cpu {

struct Index3 {
    unsigned x, y, z;
};

// One for each module, written by the scheduler before it enters a kernel for the next thread.
struct Context {
    Index3 thread_index, block_index, block_size, grid_size;
    void* dynamic_shared_memory;
    void (*wait_for_block)();
    void (*wait_for_lanes)(unsigned mask);
    unsigned char* (*slot_of_lane)(int lane);  // `slot_size` bytes through which the lanes of a warp exchange values
    int (*lane)();
    bool (*is_running)(int lane);
};

constexpr int warp_size = 32;
constexpr int slot_size = 32;

// An image, which CuPy takes for GPU machine code, is a shared library behind this header.
struct ImageHeader {
    char magic[8];
    unsigned long long size;
};

constexpr char image_magic[9] = "CUPYCPU1";

// The names that a compiled kernel exports.
#define CUPY_ON_CPU_CONTEXT "cupy_on_cpu_context"            // Context*()
#define CUPY_ON_CPU_SYNCHRONISES "cupy_on_cpu_synchronises"  // bool: threads of a block wait for each other
#define CUPY_ON_CPU_ENTRY "cupy_on_cpu_entry_"               // void(void** arguments), before the kernel's name

}  // namespace cupy_on_cpu
