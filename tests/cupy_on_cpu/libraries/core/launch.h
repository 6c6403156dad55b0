// Runs a kernel for every thread of a grid, in the chosen order.
#pragma once

#include <string>

#include "context.h"

namespace cupy_on_cpu {

constexpr unsigned max_threads_per_block = 1024;
constexpr unsigned max_shared_memory = 48 << 10;

struct Kernel {
    std::string name;
    void (*entry)(void** arguments);
    Context* context;
    bool synchronises;
};

enum class LaunchStatus { success, invalid, refused };

// As on a GPU, a kernel that fails is no error of its launch: the fault it leaves surfaces at the next call.
LaunchStatus launch(const Kernel& kernel, Index3 grid, Index3 block, unsigned shared_memory, void** arguments);

}  // namespace cupy_on_cpu
