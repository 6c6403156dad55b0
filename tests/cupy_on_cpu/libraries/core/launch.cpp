#include "launch.h"

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <numeric>
#include <random>
#include <vector>

#include "faults.h"
#include "fibers.h"
#include "journal.h"
#include "options.h"

namespace cupy_on_cpu {
namespace {

std::mutex mutex;  // one launch at a time: contexts and fibers are shared
Context* context;
Index3 block_size;
sigjmp_buf before_kernel;

void enter(int thread) {
    const unsigned t = thread;
    context->thread_index = {t % block_size.x, t / block_size.x % block_size.y, t / (block_size.x * block_size.y)};
}

std::vector<unsigned> ordered(size_t n) {
    static std::mt19937 generator(options().seed);
    std::vector<unsigned> result(n);
    std::iota(result.begin(), result.end(), 0u);
    if (options().order == Order::reverse) std::reverse(result.begin(), result.end());
    if (options().order == Order::shuffled) std::shuffle(result.begin(), result.end(), generator);
    return result;
}

// False if the threads of a block wait for each other for ever.
bool run_grid(const Kernel& kernel, Index3 grid, void** arguments) {
    const int threads = static_cast<int>(block_size.x * block_size.y * block_size.z);
    const size_t blocks = static_cast<size_t>(grid.x) * grid.y * grid.z;
    const std::vector<unsigned> thread_order = ordered(threads);
    const std::vector<unsigned> block_order =
        options().order == Order::forward ? std::vector<unsigned>{} : ordered(blocks);
    for (size_t i = 0; i < blocks; ++i) {
        const size_t b = block_order.empty() ? i : block_order[i];
        const size_t layer = static_cast<size_t>(grid.x) * grid.y;
        context->block_index = {static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                                static_cast<unsigned>(b / layer)};
        if (kernel.synchronises) {
            if (!run_block(threads, thread_order, enter, kernel.entry, arguments)) return false;
        } else {
            for (const unsigned thread : thread_order) {
                enter(static_cast<int>(thread));
                kernel.entry(arguments);
            }
        }
    }
    return true;
}

void on_signal(int signal) { siglongjmp(before_kernel, signal); }

// Turns what the processor refuses inside a kernel into a jump out of it.
class SignalGuard {
  public:
    SignalGuard() {
        struct sigaction action{};
        action.sa_handler = on_signal;
        action.sa_flags = SA_NODEFER | SA_ONSTACK;
        for (int i = 0; i < count; ++i) sigaction(signals[i], &action, &old[i]);
    }
    ~SignalGuard() {
        for (int i = 0; i < count; ++i) sigaction(signals[i], &old[i], nullptr);
    }
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;

  private:
    static constexpr int count = 3;
    static constexpr int signals[count] = {SIGSEGV, SIGBUS, SIGFPE};
    struct sigaction old[count];
};

LaunchStatus run_guarded(const Kernel& kernel, Index3 grid, void** arguments) {
    const char* name = kernel.name.c_str();
    SignalGuard guard;
    const int signal = sigsetjmp(before_kernel, 1);
    if (!signal) {
        if (!run_grid(kernel, grid, arguments)) {
            std::fprintf(stderr, "[cupy_on_cpu] %s: threads wait for each other for ever (a GPU would hang)\n", name);
            set_fault(launch_failure);
        }
    } else if (signal == SIGFPE) {
        // x86 traps what a GPU computes silently and without promise: no fault, but nothing to go on with either
        refuse((kernel.name + ": integer division by zero, whose result is undefined on a GPU").c_str(), 0);
        return LaunchStatus::refused;
    } else {
        std::fprintf(stderr, "[cupy_on_cpu] %s: illegal memory access\n", name);
        set_fault(illegal_address);
    }
    return LaunchStatus::success;
}

}  // namespace

LaunchStatus launch(const Kernel& kernel, Index3 grid, Index3 block, unsigned shared_memory, void** arguments) {
    alignas(256) static char dynamic_shared_memory[max_shared_memory];
    const size_t threads = static_cast<size_t>(block.x) * block.y * block.z;
    if (!threads || threads > max_threads_per_block || !grid.x || !grid.y || !grid.z) return LaunchStatus::invalid;
    if (shared_memory > max_shared_memory) return LaunchStatus::invalid;

    std::lock_guard<std::mutex> lock(mutex);
    note_work();
    if (options().trace) {
        std::fprintf(stderr, "[cupy_on_cpu] launch %s grid=(%u,%u,%u) block=(%u,%u,%u) shared=%u%s\n",
                     kernel.name.c_str(), grid.x, grid.y, grid.z, block.x, block.y, block.z, shared_memory,
                     kernel.synchronises ? " fibers" : "");
    }
    context = kernel.context;
    block_size = block;
    context->block_size = block;
    context->grid_size = grid;
    context->dynamic_shared_memory = dynamic_shared_memory;
    std::memset(dynamic_shared_memory, 0xCB, shared_memory);
    return run_guarded(kernel, grid, arguments);
}

}  // namespace cupy_on_cpu
