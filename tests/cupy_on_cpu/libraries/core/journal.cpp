#include "journal.h"

#include <atomic>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>

namespace {

std::atomic<unsigned long long> work{0};
std::mutex refusals_mutex;
std::deque<std::string> refusals;

}  // namespace

extern "C" {

unsigned long long cupy_on_cpu_work() { return work; }

void cupy_on_cpu_note_refusal(const char* what) {
    std::lock_guard<std::mutex> lock(refusals_mutex);
    refusals.emplace_back(what);
}

int cupy_on_cpu_take_refusal(char* buffer, int size) {
    std::lock_guard<std::mutex> lock(refusals_mutex);
    if (refusals.empty()) return 0;
    std::snprintf(buffer, size, "%s", refusals.front().c_str());
    refusals.pop_front();
    return 1;
}

int cupy_on_cpu_refuse(const char* what, int status) {
    cupy_on_cpu_note_refusal(what);
    return status;
}

}  // extern "C"

namespace cupy_on_cpu {

void note_work() { ++work; }

int refuse(const char* what, int status) { return cupy_on_cpu_refuse(what, status); }

}  // namespace cupy_on_cpu
