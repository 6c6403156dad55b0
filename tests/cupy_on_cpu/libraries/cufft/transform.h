// The discrete Fourier transform of one dimension, of any length.
#pragma once

#include <complex>
#include <vector>

namespace cupy_on_cpu {

using Value = std::complex<double>;

// Transforms of one length and direction: -1 forward, 1 backward, neither scaled.
class Transform {
  public:
    Transform(size_t length, int direction);

    void operator()(std::vector<Value>& values) const;

  private:
    void split(const Value* in, size_t step, Value* out, size_t length, size_t factor) const;

    std::vector<Value> roots_;     // powers of the primitive root of unity
    std::vector<size_t> factors_;  // the length's primes
};

}  // namespace cupy_on_cpu
