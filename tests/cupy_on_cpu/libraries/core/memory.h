// The memory of the devices: every allocation is known, so that copies can be held to their bounds.
#pragma once

#include <cstddef>

namespace cupy_on_cpu {

enum class Kind { pinned = 1, device = 2, managed = 3 };  // as cudaMemoryType

enum class MemoryStatus { success, out_of_memory, invalid };

struct Allocation {
    size_t size;
    int device;
    Kind kind;
};

int current_device();
void set_current_device(int device);

MemoryStatus allocate(void** pointer, size_t size, Kind kind);
MemoryStatus release(void* pointer);
size_t used_memory(int device);

// The allocation that an address lies in: false if there is none.
bool find(const void* pointer, Allocation* found);
// Whether a range lies within one allocation.
bool is_within_one(const void* pointer, size_t size);

}  // namespace cupy_on_cpu
