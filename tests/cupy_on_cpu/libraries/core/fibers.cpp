#include "fibers.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

// Saves the registers that a call must keep on the running stack, stores its pointer, and goes on with another stack.
extern "C" void cupy_on_cpu_switch(void** save, void* resume);
asm(R"(
.text
.globl cupy_on_cpu_switch
.hidden cupy_on_cpu_switch
.type cupy_on_cpu_switch, @function
cupy_on_cpu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cupy_on_cpu_switch, .-cupy_on_cpu_switch
)");

namespace cupy_on_cpu {
namespace {

constexpr size_t stack_size = 256 << 10;
constexpr size_t guard_size = 4096;
constexpr int saved_registers = 6;

enum class State { ready, waits_for_block, waits_for_lanes, done };

struct Fiber {
    void* stack_pointer;
    State state;
    unsigned mask;  // the lanes of its warp that it waits for
};

// Launches come one at a time, so there is one block at a time.
std::vector<Fiber> fibers;
int running;
void* scheduler_stack;
void (*kernel)(void**);
void** kernel_arguments;
unsigned char slots[1024 / warp_size][warp_size][slot_size];

void leave(State state) {
    fibers[running].state = state;
    cupy_on_cpu_switch(&fibers[running].stack_pointer, scheduler_stack);
}

void fiber_main() {
    kernel(kernel_arguments);
    leave(State::done);
    std::abort();  // nobody resumes a fiber that is done
}

void wait_for_block() { leave(State::waits_for_block); }

void wait_for_lanes(unsigned mask) {
    fibers[running].mask = mask;
    leave(State::waits_for_lanes);
}

int first_of_warp() { return running / warp_size * warp_size; }

unsigned char* slot_of_lane(int lane) { return slots[running / warp_size][lane]; }

int lane() { return running % warp_size; }

bool is_running(int lane) {
    const size_t thread = first_of_warp() + lane;
    return thread < fibers.size() && fibers[thread].state != State::done;
}

// A page below each stack makes its overflow a fault instead of a neighbour's nonsense.
char* new_stack() {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* memory = mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    mprotect(memory, guard_size, PROT_NONE);
    return static_cast<char*>(memory) + guard_size;
}

void start(int threads) {
    static std::vector<char*> stacks;
    while (static_cast<int>(stacks.size()) < threads) stacks.push_back(new_stack());
    fibers.assign(threads, Fiber{});
    for (int thread = 0; thread < threads; ++thread) {
        auto** top = reinterpret_cast<void**>(stacks[thread] + stack_size);
        *--top = nullptr;  // keeps the stack aligned as after a call
        *--top = reinterpret_cast<void*>(fiber_main);
        for (int i = 0; i < saved_registers; ++i) *--top = nullptr;
        fibers[thread] = {top, State::ready, 0};
    }
}

bool resume_ready(const std::vector<unsigned>& order, void (*enter)(int)) {
    bool any = false;
    for (const unsigned thread : order) {
        if (fibers[thread].state != State::ready) continue;
        running = static_cast<int>(thread);
        enter(running);
        cupy_on_cpu_switch(&scheduler_stack, fibers[thread].stack_pointer);
        any = true;
    }
    return any;
}

// Whether every lane that a lane waits for waits for the same lanes, or is done.
bool lanes_have_met(size_t first, unsigned mask) {
    for (int lane = 0; lane < warp_size && first + lane < fibers.size(); ++lane) {
        const Fiber& fiber = fibers[first + lane];
        const bool expected = mask >> lane & 1;
        if (!expected || fiber.state == State::done) continue;
        if (fiber.state != State::waits_for_lanes || fiber.mask != mask) return false;
    }
    return true;
}

bool release_lanes() {
    bool any = false;
    for (size_t first = 0; first < fibers.size(); first += warp_size) {
        for (size_t thread = first; thread < first + warp_size && thread < fibers.size(); ++thread) {
            if (fibers[thread].state != State::waits_for_lanes || !lanes_have_met(first, fibers[thread].mask)) continue;
            const unsigned mask = fibers[thread].mask;
            for (int lane = 0; lane < warp_size && first + lane < fibers.size(); ++lane) {
                if (mask >> lane & 1 && fibers[first + lane].state == State::waits_for_lanes) {
                    fibers[first + lane].state = State::ready;
                }
            }
            any = true;
        }
    }
    return any;
}

bool are_all(State state) {
    for (const Fiber& fiber : fibers) {
        if (fiber.state != state && fiber.state != State::done) return false;
    }
    return true;
}

void release_block() {
    for (Fiber& fiber : fibers) {
        if (fiber.state == State::waits_for_block) fiber.state = State::ready;
    }
}

}  // namespace

bool run_block(int threads, const std::vector<unsigned>& order, void (*enter)(int), void (*entry)(void**),
               void** arguments) {
    kernel = entry;
    kernel_arguments = arguments;
    start(threads);
    for (;;) {
        const bool ran = resume_ready(order, enter);
        if (are_all(State::done)) return true;
        if (are_all(State::waits_for_block)) {
            release_block();
        } else if (!release_lanes() && !ran) {
            return false;
        }
    }
}

void install_synchronisation(Context* context) {
    context->wait_for_block = wait_for_block;
    context->wait_for_lanes = wait_for_lanes;
    context->slot_of_lane = slot_of_lane;
    context->lane = lane;
    context->is_running = is_running;
}

}  // namespace cupy_on_cpu
