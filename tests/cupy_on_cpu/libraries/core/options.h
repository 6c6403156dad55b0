// What environment variables choose; they are read once, when the first of them is needed.
#pragma once

#include <cstddef>
#include <string>

namespace cupy_on_cpu {

enum class Order { forward, reverse, shuffled };

struct Options {
    int devices;         // CUPY_ON_CPU_DEVICES: 1
    size_t memory;       // CUPY_ON_CPU_MEMORY_MB: bytes of each device, 4 GiB
    Order order;         // CUPY_ON_CPU_ORDER: forward, reverse, shuffle or shuffle:SEED
    unsigned seed;       // of the shuffled order
    bool trace;          // CUPY_ON_CPU_TRACE: launches are printed
    std::string lapack;  // CUPY_ON_CPU_LAPACK: path of the library with BLAS and LAPACK
};

const Options& options();

}  // namespace cupy_on_cpu
