// The threads of one block as fibers on one CPU thread, for kernels whose threads wait for each other.
#pragma once

#include <vector>

#include "context.h"

namespace cupy_on_cpu {

// Runs a kernel once for each thread of a block in this order; false if its threads wait for each other for ever.
// `enter` sets the context to a thread, which its fiber starts and resumes with.
bool run_block(int threads, const std::vector<unsigned>& order, void (*enter)(int thread), void (*entry)(void**),
               void** arguments);

// Gives a module's kernels the functions with which they wait and exchange values.
void install_synchronisation(Context* context);

}  // namespace cupy_on_cpu
