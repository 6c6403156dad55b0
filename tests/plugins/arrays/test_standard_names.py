"""The array API standard 2024.12: every name that it has, with the arguments that it says."""

from __future__ import annotations

import inspect

import pytest

import chainrule as cr

FUNCTIONS = """
arange(start, /, stop=None, step=1, *, dtype=None, device=None)
asarray(obj, /, *, dtype=None, device=None, copy=None)
empty(shape, *, dtype=None, device=None)
empty_like(x, /, *, dtype=None, device=None)
eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)
from_dlpack(x, /, *, device=None, copy=None)
full(shape, fill_value, *, dtype=None, device=None)
full_like(x, /, fill_value, *, dtype=None, device=None)
linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True)
meshgrid(*arrays, indexing='xy')
ones(shape, *, dtype=None, device=None)
ones_like(x, /, *, dtype=None, device=None)
tril(x, /, *, k=0)
triu(x, /, *, k=0)
zeros(shape, *, dtype=None, device=None)
zeros_like(x, /, *, dtype=None, device=None)
astype(x, dtype, /, *, copy=True, device=None)
can_cast(from_, to, /)
finfo(type, /)
iinfo(type, /)
isdtype(dtype, kind)
result_type(*arrays_and_dtypes)
clip(x, /, min=None, max=None)
take(x, indices, /, *, axis=None)
take_along_axis(x, indices, /, *, axis=-1)
__array_namespace_info__()
matmul(x1, x2, /)
matrix_transpose(x, /)
tensordot(x1, x2, /, *, axes=2)
vecdot(x1, x2, /, *, axis=-1)
broadcast_arrays(*arrays)
broadcast_to(x, /, shape)
concat(arrays, /, *, axis=0)
expand_dims(x, /, *, axis=0)
flip(x, /, *, axis=None)
moveaxis(x, source, destination, /)
permute_dims(x, /, axes)
repeat(x, repeats, /, *, axis=None)
reshape(x, /, shape, *, copy=None)
roll(x, /, shift, *, axis=None)
squeeze(x, /, axis)
stack(arrays, /, *, axis=0)
tile(x, repetitions, /)
unstack(x, /, *, axis=0)
argmax(x, /, *, axis=None, keepdims=False)
argmin(x, /, *, axis=None, keepdims=False)
count_nonzero(x, /, *, axis=None, keepdims=False)
nonzero(x, /)
searchsorted(x1, x2, /, *, side='left', sorter=None)
where(condition, x1, x2, /)
unique_all(x, /)
unique_counts(x, /)
unique_inverse(x, /)
unique_values(x, /)
argsort(x, /, *, axis=-1, descending=False, stable=True)
sort(x, /, *, axis=-1, descending=False, stable=True)
cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
max(x, /, *, axis=None, keepdims=False)
mean(x, /, *, axis=None, keepdims=False)
min(x, /, *, axis=None, keepdims=False)
prod(x, /, *, axis=None, dtype=None, keepdims=False)
std(x, /, *, axis=None, correction=0.0, keepdims=False)
sum(x, /, *, axis=None, dtype=None, keepdims=False)
var(x, /, *, axis=None, correction=0.0, keepdims=False)
all(x, /, *, axis=None, keepdims=False)
any(x, /, *, axis=None, keepdims=False)
diff(x, /, *, axis=-1, n=1, prepend=None, append=None)
linalg.cholesky(x, /, *, upper=False)
linalg.cross(x1, x2, /, *, axis=-1)
linalg.det(x, /)
linalg.diagonal(x, /, *, offset=0)
linalg.eigh(x, /)
linalg.eigvalsh(x, /)
linalg.inv(x, /)
linalg.matmul(x1, x2, /)
linalg.matrix_norm(x, /, *, keepdims=False, ord='fro')
linalg.matrix_power(x, n, /)
linalg.matrix_rank(x, /, *, rtol=None)
linalg.matrix_transpose(x, /)
linalg.outer(x1, x2, /)
linalg.pinv(x, /, *, rtol=None)
linalg.qr(x, /, *, mode='reduced')
linalg.slogdet(x, /)
linalg.solve(x1, x2, /)
linalg.svd(x, /, *, full_matrices=True)
linalg.svdvals(x, /)
linalg.tensordot(x1, x2, /, *, axes=2)
linalg.trace(x, /, *, offset=0, dtype=None)
linalg.vecdot(x1, x2, /, *, axis=-1)
linalg.vector_norm(x, /, *, axis=None, keepdims=False, ord=2)
fft.fft(x, /, *, n=None, axis=-1, norm='backward')
fft.ifft(x, /, *, n=None, axis=-1, norm='backward')
fft.fftn(x, /, *, s=None, axes=None, norm='backward')
fft.ifftn(x, /, *, s=None, axes=None, norm='backward')
fft.rfft(x, /, *, n=None, axis=-1, norm='backward')
fft.irfft(x, /, *, n=None, axis=-1, norm='backward')
fft.rfftn(x, /, *, s=None, axes=None, norm='backward')
fft.irfftn(x, /, *, s=None, axes=None, norm='backward')
fft.hfft(x, /, *, n=None, axis=-1, norm='backward')
fft.ihfft(x, /, *, n=None, axis=-1, norm='backward')
fft.fftfreq(n, /, *, d=1.0, dtype=None, device=None)
fft.rfftfreq(n, /, *, d=1.0, dtype=None, device=None)
fft.fftshift(x, /, *, axes=None)
fft.ifftshift(x, /, *, axes=None)
"""
UNARY = """
abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag isfinite isinf isnan log
log10 log1p log2 logical_not negative positive real reciprocal round sign signbit sin sinh sqrt square tan tanh trunc
"""
BINARY = """
add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal floor_divide
greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum minimum multiply
nextafter not_equal pow remainder subtract
"""
METHODS = """
__abs__() __add__(other,/) __and__(other,/) __array_namespace__(*,api_version=None) __bool__() __complex__()
__dlpack__(*,stream=None,max_version=None,dl_device=None,copy=None) __dlpack_device__() __eq__(other,/) __float__()
__floordiv__(other,/) __ge__(other,/) __getitem__(key,/) __gt__(other,/) __index__() __int__() __invert__()
__le__(other,/) __lshift__(other,/) __lt__(other,/) __matmul__(other,/) __mod__(other,/) __mul__(other,/)
__ne__(other,/) __neg__() __or__(other,/) __pos__() __pow__(other,/) __rshift__(other,/) __setitem__(key,value,/)
__sub__(other,/) __truediv__(other,/) __xor__(other,/) to_device(device,/,*,stream=None)
"""
DTYPES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
]
ALL = [
    *FUNCTIONS.strip().splitlines(),
    *[f"{name}(x, /)" for name in UNARY.split()],
    *[f"{name}(x1, x2, /)" for name in BINARY.split()],
]


def written(signature: str) -> inspect.Signature:
    """A signature that stands in a text."""
    scope: dict = {}
    exec(f"def function{signature[signature.index('(') :]}: ...", scope)
    return inspect.signature(scope["function"])


def assert_fits(function, wanted: inspect.Signature) -> None:
    """Whether it takes all that the standard says: what is by position by position, the rest by keyword."""
    have = list(inspect.signature(function).parameters.values())
    for i, parameter in enumerate(wanted.parameters.values()):
        if parameter.kind is parameter.KEYWORD_ONLY:
            found = next((p for p in have if p.name == parameter.name), None)
            assert found is not None, f"no keyword {parameter.name}"
            assert found.kind in (found.KEYWORD_ONLY, found.POSITIONAL_OR_KEYWORD)
        else:
            found = have[i]
            if parameter.kind is parameter.VAR_POSITIONAL:
                assert found.kind is found.VAR_POSITIONAL
            else:
                assert found.kind in (found.POSITIONAL_ONLY, found.POSITIONAL_OR_KEYWORD)
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                assert (found.name, found.kind) == (parameter.name, parameter.kind)
        if parameter.default is not parameter.empty:
            stated = "backward" if parameter.name == "norm" and found.default is None else found.default  # as NumPy's
            assert stated == parameter.default, parameter.name
    needed = [p for p in have if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    assert {p.name for p in needed if p.kind is p.KEYWORD_ONLY} == set()
    assert len(needed) <= sum(p.default is p.empty for p in wanted.parameters.values())


@pytest.mark.parametrize("signature", ALL, ids=lambda text: text.partition("(")[0])
def test_functions(signature):
    function = cr
    for name in signature.partition("(")[0].split("."):
        function = getattr(function, name)
    assert_fits(function, written(signature))


@pytest.mark.parametrize("signature", METHODS.split(), ids=lambda text: text.partition("(")[0])
def test_methods(signature):
    method = getattr(cr.ones(1), signature.partition("(")[0])
    assert_fits(method, written(signature))


def test_operators_from_the_right_and_in_place():
    x = cr.tensor([4.0, 9.0])
    for symbol in ("+", "-", "*", "/", "//", "%", "**"):
        for left, right in (("x", "2"), ("2", "x")):
            want = eval(f"{left} {symbol} {right}", {"x": x.numpy()})
            assert eval(f"{left} {symbol} {right}", {"x": x}).tolist() == want.tolist()
        scope = {"x": x}
        exec(f"y = x\ny {symbol}= 2", scope)
        assert scope["y"].tolist() == eval(f"x {symbol} 2", {"x": x.numpy()}).tolist()
        assert x.tolist() == [4.0, 9.0]  # another object
    for symbol in ("&", "|", "^", "<<", ">>"):
        i = cr.tensor([6, 3])
        scope = {"y": i}
        exec(f"y {symbol}= 2", scope)
        assert scope["y"].tolist() == eval(f"i {symbol} 2", {"i": i.numpy()}).tolist()
        assert eval(f"2 {symbol} i", {"i": i}).tolist() == eval(f"2 {symbol} i", {"i": i.numpy()}).tolist()
    m = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    m @= m
    assert m.tolist() == [[7.0, 10.0], [15.0, 22.0]]


def test_dtypes_constants_and_attributes():
    x = cr.ones((2, 3))
    assert [str(getattr(cr, name)) for name in DTYPES] == DTYPES
    assert (cr.e, cr.pi, cr.newaxis) == (2.718281828459045, 3.141592653589793, None)
    assert cr.inf == float("inf")
    assert cr.nan != cr.nan
    assert (x.dtype, x.device, x.ndim, x.shape, x.size) == (cr.float64, "cpu", 2, (2, 3), 6)
    assert (x.T.shape, x.mT.shape) == ((3, 2), (3, 2))


def test_the_namespace_and_what_it_tells_of_itself():
    x = cr.ones(2)
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is cr
    with pytest.raises(ValueError, match=r"2024\.12"):
        x.__array_namespace__(api_version="1999.12")
    assert cr.__array_api_version__ == "2024.12"
    info = cr.__array_namespace_info__()
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}
    assert info.devices() == ["cpu"]
    assert info.default_device() == "cpu"
    assert info.default_dtypes() == {
        "real floating": cr.float64,
        "complex floating": cr.complex128,
        "integral": cr.int64,
        "indexing": cr.int64,
    }
    assert list(info.dtypes()) == DTYPES
    assert list(info.dtypes(kind="integral")) == [name for name in DTYPES if "int" in name]
    assert list(info.dtypes(kind=("bool", "complex floating"), device="cpu")) == ["bool", "complex64", "complex128"]
    with pytest.raises(cr.BackendError, match="no device 'gpu'"):
        info.dtypes(device="gpu")
    with pytest.raises(cr.DTypeError, match="unknown dtype 'imaginary'"):
        info.dtypes(kind="imaginary")


def test_the_namespace_tells_of_the_default_dtype_and_the_backend_in_force():
    cr.set_default_dtype("float32")
    try:
        assert cr.__array_namespace_info__().default_dtypes()["complex floating"] == cr.complex64
    finally:
        cr.set_default_dtype("float64")
