// BLAS and LAPACK of the library in NumPy's wheel: column by column like cuBLAS and cuSOLVER, with 64-bit integers.
#pragma once

#include <complex>
#include <cstddef>
#include <string>
#include <vector>

namespace cupy_on_cpu {

using Int = long long;  // Fortran's integers in that library
using Complex = std::complex<float>;
using DoubleComplex = std::complex<double>;

constexpr size_t one_letter = 1;  // the length of a character argument, which Fortran wants after all others

template <class T>
struct Scalar;
template <>
struct Scalar<float> {
    using Real = float;
    static constexpr char letter = 's';
    static constexpr bool is_complex = false;
};
template <>
struct Scalar<double> {
    using Real = double;
    static constexpr char letter = 'd';
    static constexpr bool is_complex = false;
};
template <>
struct Scalar<Complex> {
    using Real = float;
    static constexpr char letter = 'c';
    static constexpr bool is_complex = true;
};
template <>
struct Scalar<DoubleComplex> {
    using Real = double;
    static constexpr char letter = 'z';
    static constexpr bool is_complex = true;
};

template <class T>
using Real = typename Scalar<T>::Real;

inline float conjugate(float x) { return x; }
inline double conjugate(double x) { return x; }
inline Complex conjugate(Complex x) { return std::conj(x); }
inline DoubleComplex conjugate(DoubleComplex x) { return std::conj(x); }

// The routine of a name, without the library's decoration; ends the process if there is none.
void* find_routine(const std::string& name);

// Calls the routine `<letter of T><name>`.
template <class T, class Result = void, class... Arguments>
Result fortran(const char* name, Arguments... arguments) {
    const auto routine =
        reinterpret_cast<Result (*)(Arguments...)>(find_routine(Scalar<T>::letter + std::string(name)));
    return routine(arguments...);
}

// Calls a routine that wants workspace: once to learn how much, once to compute. `call(work, size)` calls it.
template <class T, class Call>
void with_workspace(Call call) {
    T best{};
    call(&best, Int{-1});
    const Int size = static_cast<Int>(std::real(best)) + 1;
    std::vector<T> work(size);
    call(work.data(), size);
}

}  // namespace cupy_on_cpu
