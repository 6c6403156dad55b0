#include "memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "options.h"

namespace cupy_on_cpu {
namespace {

constexpr size_t alignment = 512;      // CuPy's pool counts on it
constexpr unsigned char fresh = 0xCB;  // nobody may take new memory for zeros,
constexpr unsigned char gone = 0xDD;   // nor go on reading what was freed

std::mutex mutex;
std::map<uintptr_t, Allocation> allocations;
std::map<int, size_t> used;
thread_local int device = 0;

std::map<uintptr_t, Allocation>::iterator containing(const void* pointer) {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    auto it = allocations.upper_bound(address);
    if (it == allocations.begin()) return allocations.end();
    --it;
    return address < it->first + it->second.size ? it : allocations.end();
}

}  // namespace

int current_device() { return device; }

void set_current_device(int chosen) { device = chosen; }

MemoryStatus allocate(void** pointer, size_t size, Kind kind) {
    *pointer = nullptr;
    if (!size) return MemoryStatus::success;
    std::lock_guard<std::mutex> lock(mutex);
    if (kind == Kind::device && used[device] + size > options().memory) return MemoryStatus::out_of_memory;
    if (posix_memalign(pointer, alignment, size)) return MemoryStatus::out_of_memory;
    std::memset(*pointer, fresh, size);
    allocations[reinterpret_cast<uintptr_t>(*pointer)] = {size, device, kind};
    if (kind == Kind::device) used[device] += size;
    return MemoryStatus::success;
}

MemoryStatus release(void* pointer) {
    if (!pointer) return MemoryStatus::success;
    std::lock_guard<std::mutex> lock(mutex);
    const auto it = allocations.find(reinterpret_cast<uintptr_t>(pointer));
    if (it == allocations.end()) return MemoryStatus::invalid;
    if (it->second.kind == Kind::device) used[it->second.device] -= it->second.size;
    std::memset(pointer, gone, it->second.size);
    std::free(pointer);
    allocations.erase(it);
    return MemoryStatus::success;
}

size_t used_memory(int of_device) {
    std::lock_guard<std::mutex> lock(mutex);
    return used[of_device];
}

bool find(const void* pointer, Allocation* found) {
    std::lock_guard<std::mutex> lock(mutex);
    const auto it = containing(pointer);
    if (it == allocations.end()) return false;
    *found = it->second;
    return true;
}

bool is_within_one(const void* pointer, size_t size) {
    if (!size) return true;
    std::lock_guard<std::mutex> lock(mutex);
    const auto it = containing(pointer);
    return it != allocations.end() && reinterpret_cast<uintptr_t>(pointer) + size <= it->first + it->second.size;
}

}  // namespace cupy_on_cpu
