// Barriers, exchange between the lanes of a warp, and atomics. One thread runs at a time, so an atomic is a plain
// update.
#pragma once

#include "language.h"

inline void __syncthreads() { cupy_on_cpu_this.wait_for_block(); }
inline void __syncwarp(unsigned mask = ~0u) { cupy_on_cpu_this.wait_for_lanes(mask); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

namespace cupy_on_cpu {

// Every lane of the mask shows its value, then reads that of a lane.
template <class T>
T exchange(unsigned mask, T value, int source) {
    static_assert(sizeof(T) <= slot_size, "too large a value for a warp's lanes to exchange");
    Context& here = cupy_on_cpu_this;
    memcpy(here.slot_of_lane(here.lane()), &value, sizeof value);
    here.wait_for_lanes(mask);
    T result = value;
    if (source >= 0 && source < warp_size) memcpy(&result, here.slot_of_lane(source), sizeof result);
    here.wait_for_lanes(mask);
    return result;
}

}  // namespace cupy_on_cpu

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
    const int first = cupy_on_cpu_this.lane() & ~(width - 1);
    return cupy_on_cpu::exchange(mask, value, first + (source & (width - 1)));
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32) {
    const int lane = cupy_on_cpu_this.lane(), from = (lane & (width - 1)) - static_cast<int>(distance);
    return cupy_on_cpu::exchange(mask, value, from >= 0 ? lane - static_cast<int>(distance) : lane);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32) {
    const int lane = cupy_on_cpu_this.lane(), from = (lane & (width - 1)) + static_cast<int>(distance);
    return cupy_on_cpu::exchange(mask, value, from < width ? lane + static_cast<int>(distance) : lane);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int = 32) {
    return cupy_on_cpu::exchange(mask, value, cupy_on_cpu_this.lane() ^ bits);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
    cupy_on_cpu::Context& here = cupy_on_cpu_this;
    *here.slot_of_lane(here.lane()) = predicate != 0;
    here.wait_for_lanes(mask);
    unsigned votes = 0;
    for (int lane = 0; lane < 32; ++lane) {
        if (mask >> lane & 1 && here.is_running(lane) && *here.slot_of_lane(lane)) votes |= 1u << lane;
    }
    here.wait_for_lanes(mask);
    return votes;
}

inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

namespace cupy_on_cpu {

template <class T>
using if_number = std::enable_if_t<std::is_arithmetic<T>::value>;
template <class T>
using if_integer = std::enable_if_t<std::is_integral<T>::value>;

template <class T, class F>
T update(T* address, F new_value) {
    const T old = *address;
    *address = static_cast<T>(new_value(old));
    return old;
}

}  // namespace cupy_on_cpu

template <class T, class U, class = cupy_on_cpu::if_number<T>>
T atomicAdd(T* address, U value) {
    return cupy_on_cpu::update(address, [=](T old) { return old + value; });
}

template <class T, class U, class = cupy_on_cpu::if_number<T>>
T atomicSub(T* address, U value) {
    return cupy_on_cpu::update(address, [=](T old) { return old - value; });
}

template <class T, class U, class = cupy_on_cpu::if_integer<T>>
T atomicMax(T* address, U value) {
    return cupy_on_cpu::update(address,
                               [=](T old) { return static_cast<T>(value) > old ? static_cast<T>(value) : old; });
}

template <class T, class U, class = cupy_on_cpu::if_integer<T>>
T atomicMin(T* address, U value) {
    return cupy_on_cpu::update(address,
                               [=](T old) { return static_cast<T>(value) < old ? static_cast<T>(value) : old; });
}

template <class T, class U, class = cupy_on_cpu::if_integer<T>>
T atomicAnd(T* address, U value) {
    return cupy_on_cpu::update(address, [=](T old) { return old & value; });
}

template <class T, class U, class = cupy_on_cpu::if_integer<T>>
T atomicOr(T* address, U value) {
    return cupy_on_cpu::update(address, [=](T old) { return old | value; });
}

template <class T, class U, class = cupy_on_cpu::if_integer<T>>
T atomicXor(T* address, U value) {
    return cupy_on_cpu::update(address, [=](T old) { return old ^ value; });
}

template <class T, class U>
T atomicExch(T* address, U value) {
    return cupy_on_cpu::update(address, [=](T) { return value; });
}

template <class T, class U, class V>
T atomicCAS(T* address, U expected, V value) {
    return cupy_on_cpu::update(address,
                               [=](T old) { return old == static_cast<T>(expected) ? static_cast<T>(value) : old; });
}
