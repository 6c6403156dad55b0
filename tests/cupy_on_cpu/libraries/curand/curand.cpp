// cuRAND's host functions: the distributions of a GPU's, from other numbers.

#include <cstddef>
#include <random>

namespace {

enum Status { success = 0, length_not_multiple = 105 };

using Engine = std::mt19937_64;

template <class T, class Distribution>
int fill(Engine* engine, T* out, size_t n, Distribution distribution) {
    for (size_t i = 0; i < n; ++i) out[i] = distribution(*engine);
    return success;
}

// cuRAND makes normal numbers in pairs, and refuses to make an odd number of them.
template <class T, class Distribution>
int fill_pairs(Engine* engine, T* out, size_t n, Distribution distribution) {
    return n % 2 ? length_not_multiple : fill(engine, out, n, distribution);
}

// Uniform in (0, 1], as cuRAND's are: all values of so many bits, plus one.
template <class T, int bits>
T uniform(Engine& engine) {
    return static_cast<T>((engine() >> (64 - bits)) + 1) / static_cast<T>(1ULL << bits);
}

}  // namespace

extern "C" {

int curandCreateGenerator(Engine** engine, int) {
    *engine = new Engine;
    return success;
}

int curandDestroyGenerator(Engine* engine) {
    delete engine;
    return success;
}

int curandGetVersion(int* version) {
    *version = 10400;
    return success;
}

int curandSetStream(Engine*, void*) { return success; }

int curandSetPseudoRandomGeneratorSeed(Engine* engine, unsigned long long seed) {
    engine->seed(seed);
    return success;
}

int curandSetGeneratorOffset(Engine* engine, unsigned long long offset) {
    engine->discard(offset);
    return success;
}

int curandSetGeneratorOrdering(Engine*, int) { return success; }

int curandGenerate(Engine* engine, unsigned* out, size_t n) {
    return fill(engine, out, n, [](Engine& e) { return static_cast<unsigned>(e()); });
}

int curandGenerateLongLong(Engine* engine, unsigned long long* out, size_t n) {
    return fill(engine, out, n, [](Engine& e) { return e(); });
}

int curandGenerateUniform(Engine* engine, float* out, size_t n) { return fill(engine, out, n, uniform<float, 24>); }

int curandGenerateUniformDouble(Engine* engine, double* out, size_t n) {
    return fill(engine, out, n, uniform<double, 53>);
}

int curandGenerateNormal(Engine* engine, float* out, size_t n, float mean, float deviation) {
    return fill_pairs(engine, out, n, std::normal_distribution<float>(mean, deviation));
}

int curandGenerateNormalDouble(Engine* engine, double* out, size_t n, double mean, double deviation) {
    return fill_pairs(engine, out, n, std::normal_distribution<double>(mean, deviation));
}

int curandGenerateLogNormal(Engine* engine, float* out, size_t n, float mean, float deviation) {
    return fill_pairs(engine, out, n, std::lognormal_distribution<float>(mean, deviation));
}

int curandGenerateLogNormalDouble(Engine* engine, double* out, size_t n, double mean, double deviation) {
    return fill_pairs(engine, out, n, std::lognormal_distribution<double>(mean, deviation));
}

int curandGeneratePoisson(Engine* engine, unsigned* out, size_t n, double rate) {
    return fill(engine, out, n, std::poisson_distribution<unsigned>(rate));
}

}  // extern "C"
