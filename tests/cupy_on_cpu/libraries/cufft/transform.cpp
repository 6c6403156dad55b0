#include "transform.h"

namespace cupy_on_cpu {
namespace {

std::vector<size_t> primes_of(size_t n) {
    std::vector<size_t> result;
    for (size_t p = 2; p * p <= n; ++p) {
        for (; n % p == 0; n /= p) result.push_back(p);
    }
    if (n > 1) result.push_back(n);
    return result;
}

}  // namespace

Transform::Transform(size_t length, int direction) : roots_(length), factors_(primes_of(length)) {
    for (size_t i = 0; i < length; ++i) {
        const long double angle = direction * 2 * 3.14159265358979323846264338327950288L * i / length;
        roots_[i] = {static_cast<double>(std::cos(angle)), static_cast<double>(std::sin(angle))};
    }
}

void Transform::operator()(std::vector<Value>& values) const {
    const std::vector<Value> in = values;
    split(in.data(), 1, values.data(), values.size(), 0);
}

// Cooley and Tukey's: with n = p m, the transforms of p interleaved parts of length m, then m of length p across them.
void Transform::split(const Value* in, size_t step, Value* out, size_t length, size_t factor) const {
    if (length == 1) {
        *out = *in;
        return;
    }
    const size_t p = factors_[factor], m = length / p, turn = roots_.size() / length;
    for (size_t part = 0; part < p; ++part) split(in + part * step, step * p, out + part * m, m, factor + 1);
    std::vector<Value> across(p);
    for (size_t k = 0; k < m; ++k) {
        for (size_t q = 0; q < p; ++q) {
            across[q] = 0;
            for (size_t part = 0; part < p; ++part) {
                across[q] += out[k + part * m] * roots_[part * (k + q * m) % length * turn];
            }
        }
        for (size_t q = 0; q < p; ++q) out[k + q * m] = across[q];
    }
}

}  // namespace cupy_on_cpu
