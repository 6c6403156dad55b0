// cuFFT's plans for one device: any number of dimensions, batches, and layouts of input and output.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "journal.h"
#include "transform.h"

using namespace cupy_on_cpu;

namespace {

enum Result { success = 0, invalid_plan = 1, invalid_value = 4 };
enum Type { r2c = 0x2a, c2r = 0x2c, c2c = 0x29, d2z = 0x6a, z2d = 0x6c, z2z = 0x69 };
constexpr int forward = -1, backward = 1;

// Where the elements of an array of several dimensions lie.
struct Layout {
    std::vector<size_t> strides;
    size_t distance;  // from one of a batch to the next
};

struct Plan {
    std::vector<size_t> lengths;
    size_t batch;
    bool is_real_input, is_real_output;
    Layout input, output;

    bool is_half(bool of_input) const { return of_input ? is_real_output : is_real_input; }
};

std::mutex mutex;
std::map<int, std::unique_ptr<Plan>> plans;

Plan* find_plan(int handle) {
    std::lock_guard<std::mutex> lock(mutex);
    const auto it = plans.find(handle);
    return it == plans.end() ? nullptr : it->second.get();
}

// The extent of each dimension in memory: of a real array's transform, the last one holds half, the rest being
// mirrored.
std::vector<size_t> extents(const Plan& plan, bool of_input) {
    std::vector<size_t> result = plan.lengths;
    if (plan.is_half(of_input)) result.back() = result.back() / 2 + 1;
    return result;
}

Layout contiguous(const std::vector<size_t>& extents) {
    Layout layout{std::vector<size_t>(extents.size()), 1};
    for (size_t i = extents.size(); i-- > 0; layout.distance *= extents[i]) layout.strides[i] = layout.distance;
    return layout;
}

// As cuFFT describes it: the extents of the array that the transform's is a part of, a stride, and a distance.
Layout embedded(const int* extents, int rank, int stride, int distance) {
    Layout layout{std::vector<size_t>(rank), static_cast<size_t>(distance)};
    size_t step = stride;
    for (int i = rank; i-- > 0; step *= extents[i]) layout.strides[i] = step;
    return layout;
}

int make_plan(int handle, int rank, const int* lengths, const int* in_extents, int in_stride, int in_distance,
              const int* out_extents, int out_stride, int out_distance, int type, int batch, size_t* work) {
    Plan* plan = find_plan(handle);
    if (!plan) return invalid_plan;
    if (rank < 1 || batch < 1 || std::any_of(lengths, lengths + rank, [](int n) { return n < 1; })) {
        return invalid_value;
    }
    plan->lengths.assign(lengths, lengths + rank);
    plan->batch = batch;
    plan->is_real_input = type == r2c || type == d2z;
    plan->is_real_output = type == c2r || type == z2d;
    const bool is_embedded = in_extents && out_extents;
    plan->input = is_embedded ? embedded(in_extents, rank, in_stride, in_distance) : contiguous(extents(*plan, true));
    plan->output =
        is_embedded ? embedded(out_extents, rank, out_stride, out_distance) : contiguous(extents(*plan, false));
    *work = 0;
    return success;
}

size_t product(const std::vector<size_t>& extents) {
    size_t result = 1;
    for (const size_t extent : extents) result *= extent;
    return result;
}

// Calls with the place of each element of an array: among its elements in order, and in memory.
template <class Call>
void for_each_element(const std::vector<size_t>& extents, const Layout& layout, Call call) {
    std::vector<size_t> index(extents.size());
    const size_t count = product(extents);
    for (size_t element = 0; element < count; ++element) {
        size_t place = 0;
        for (size_t i = 0; i < index.size(); ++i) place += index[i] * layout.strides[i];
        call(index, element, place);
        for (size_t i = index.size(); i-- > 0 && ++index[i] == extents[i];) index[i] = 0;
    }
}

void transform_dimension(std::vector<Value>& values, const std::vector<size_t>& lengths, size_t dimension,
                         int direction) {
    const Transform transform(lengths[dimension], direction);
    size_t stride = 1;
    for (size_t i = dimension + 1; i < lengths.size(); ++i) stride *= lengths[i];
    const size_t length = lengths[dimension];
    std::vector<Value> line(length);
    for (size_t first = 0; first < values.size(); ++first) {
        if (first / stride % length) continue;
        for (size_t i = 0; i < length; ++i) line[i] = values[first + i * stride];
        transform(line);
        for (size_t i = 0; i < length; ++i) values[first + i * stride] = line[i];
    }
}

// The value at an index of a spectrum of which half is given: there, or conjugated at the opposite index.
template <class In>
Value mirrored(const In* in, const Plan& plan, std::vector<size_t> index) {
    const bool is_given = index.back() <= plan.lengths.back() / 2;
    size_t place = 0;
    for (size_t i = 0; i < index.size(); ++i) {
        const size_t at = is_given ? index[i] : (plan.lengths[i] - index[i]) % plan.lengths[i];
        place += at * plan.input.strides[i];
    }
    const Value value(in[place]);
    return is_given ? value : std::conj(value);
}

template <class Out>
void store(Out& out, Value value) {
    out = static_cast<Out>(value);
}
void store(float& out, Value value) { out = static_cast<float>(value.real()); }
void store(double& out, Value value) { out = value.real(); }

template <class In, class Out>
int execute(int handle, const In* in, Out* out, int direction) {
    const Plan* plan = find_plan(handle);
    if (!plan || plan->lengths.empty()) return invalid_plan;
    note_work();
    const size_t size = product(plan->lengths);
    // All is read before anything is written: input and output may be the same memory.
    std::vector<std::vector<Value>> batch(plan->batch, std::vector<Value>(size));
    for (size_t b = 0; b < plan->batch; ++b) {
        const In* from = in + b * plan->input.distance;
        for_each_element(plan->lengths, plan->input, [&](const auto& index, size_t element, size_t place) {
            batch[b][element] = plan->is_real_output ? mirrored(from, *plan, index) : Value(from[place]);
        });
    }
    for (size_t b = 0; b < plan->batch; ++b) {
        std::vector<Value>& values = batch[b];
        for (size_t d = 0; d < plan->lengths.size(); ++d) transform_dimension(values, plan->lengths, d, direction);
        Out* to = out + b * plan->output.distance;
        for_each_element(plan->lengths, plan->output, [&](const auto& index, size_t element, size_t place) {
            const bool is_kept = !plan->is_real_input || index.back() <= plan->lengths.back() / 2;
            if (is_kept) store(to[place], values[element]);
        });
    }
    return success;
}

}  // namespace

extern "C" {

int cufftCreate(int* handle) {
    static int last = 0;
    std::lock_guard<std::mutex> lock(mutex);
    *handle = ++last;
    plans[*handle] = std::make_unique<Plan>();
    return success;
}

int cufftDestroy(int handle) {
    std::lock_guard<std::mutex> lock(mutex);
    return plans.erase(handle) ? success : invalid_plan;
}

int cufftGetVersion(int* version) {
    *version = 12000;
    return success;
}

int cufftSetAutoAllocation(int, int) { return success; }

int cufftSetWorkArea(int, void*) { return success; }

int cufftSetStream(int, void*) { return success; }

int cufftMakePlan1d(int handle, int length, int type, int batch, size_t* work) {
    return make_plan(handle, 1, &length, nullptr, 1, 0, nullptr, 1, 0, type, batch, work);
}

int cufftMakePlanMany(int handle, int rank, int* lengths, int* in_extents, int in_stride, int in_distance,
                      int* out_extents, int out_stride, int out_distance, int type, int batch, size_t* work) {
    return make_plan(handle, rank, lengths, in_extents, in_stride, in_distance, out_extents, out_stride, out_distance,
                     type, batch, work);
}

int cufftExecC2C(int handle, std::complex<float>* in, std::complex<float>* out, int direction) {
    return execute(handle, in, out, direction);
}

int cufftExecZ2Z(int handle, std::complex<double>* in, std::complex<double>* out, int direction) {
    return execute(handle, in, out, direction);
}

int cufftExecR2C(int handle, float* in, std::complex<float>* out) { return execute(handle, in, out, forward); }

int cufftExecD2Z(int handle, double* in, std::complex<double>* out) { return execute(handle, in, out, forward); }

int cufftExecC2R(int handle, std::complex<float>* in, float* out) { return execute(handle, in, out, backward); }

int cufftExecZ2D(int handle, std::complex<double>* in, double* out) { return execute(handle, in, out, backward); }

}  // extern "C"
