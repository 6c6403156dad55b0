"""Modules: as pytrees, with gradients, optimizers, compiled functions and checkpoints; against PyTorch's layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optree
import pytest

import chainrule as cr

RNG = np.random.default_rng(8)
X = RNG.normal(size=(6, 3))


def network() -> Any:
    return cr.nn.Sequential(cr.nn.Linear(3, 4, seed=0), cr.nn.BatchNorm(4), cr.tanh, cr.nn.Linear(4, 2, seed=1))


def loss(model: Any, x: Any) -> Any:
    return cr.mean(cr.square(model(x) - 1.0))


def test_a_module_is_a_tree_of_its_parameters() -> None:
    model = network()
    paths = [
        "layers[0].w",
        "layers[0].b",
        "layers[1].scale",
        "layers[1].offset",
        "layers[1].mean",
        "layers[1].variance",
    ]
    assert [*model.variables()] == [*paths, "layers[3].w", "layers[3].b"]
    assert [x.trainable for x in model.variables().values()] == [True] * 4 + [False] * 2 + [True] * 2
    doubled = optree.tree_map(lambda x: 2.0 * x, model)
    assert type(doubled) is cr.nn.Sequential
    np.testing.assert_array_equal(doubled[0].w.numpy(), 2.0 * model[0].w.numpy())
    assert optree.tree_structure(model) == optree.tree_structure(doubled) == optree.tree_structure(network())
    assert optree.tree_structure(model) != optree.tree_structure(cr.nn.Sequential(*map(cr.nn.Linear, (3, 4), (4, 2))))
    assert "linear" in model[0].w.name
    assert "Linear(w=float64[3, 4], b=float64[4])" in repr(model)


def test_gradients_of_modules_are_modules() -> None:
    model = network()
    gradient = cr.grad(loss)(model, X)
    assert (type(gradient), type(gradient[0].w)) == (cr.nn.Sequential, cr.Tensor)
    variables = model.variables().values()
    with cr.GradientTape() as tape:
        value = loss(model, X)
    for have, want, variable in zip(
        optree.tree_leaves(gradient), tape.gradient(value, [*variables]), variables, strict=True
    ):
        if variable.trainable:
            np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-12)
    hidden = cr.hvp(loss)(model.values(), optree.tree_map(cr.ones_like, model), X)
    assert hidden[3].b.shape == (2,)


def test_training_with_an_optimizer_compiled() -> None:
    model, optimizer = network(), cr.optim.Adam(0.05)

    @cr.function
    def step(x: Any) -> Any:
        return optimizer.minimize(lambda: cr.mean(cr.square(model(x, training=True) - 1.0)))

    losses = [float(step(X)) for _ in range(40)]
    assert losses[-1] < 0.2 * losses[0]
    assert np.any(model[1].mean.numpy() != 0.0)


def test_training_with_functions_alone() -> None:
    model = network().values()

    def loss_and_model(model: Any, x: Any) -> Any:
        return cr.mean(cr.square(model(x, training=True) - 1.0)), model

    step = cr.value_and_grad(loss_and_model, has_aux=True)
    losses = []
    for _ in range(40):
        (value, updated), gradient = step(model, X)
        losses.append(float(value))
        model = optree.tree_map(lambda x, g: x - 0.2 * g, updated, gradient)
    assert losses[-1] < 0.2 * losses[0]
    assert np.any(model[1].mean.numpy() != 0.0)


def test_a_module_as_argument_of_a_compiled_function() -> None:
    model = network()
    compiled = cr.function(loss)
    np.testing.assert_allclose(float(compiled(model, X)), float(loss(model, X)), rtol=1e-12)
    values = model.values()
    np.testing.assert_allclose(float(compiled(values, X)), float(loss(model, X)), rtol=1e-12)
    model[0].b.assign(np.ones(4))
    np.testing.assert_allclose(float(compiled(model, X)), float(loss(model, X)), rtol=1e-12)
    gradient = cr.function(cr.grad(loss))(values, X)
    np.testing.assert_allclose(gradient[0].w.numpy(), cr.grad(loss)(values, X)[0].w.numpy(), rtol=1e-11)


def test_saved_and_loaded(tmp_path: Path) -> None:
    model, other = network(), network()
    for variable in model.variables().values():
        variable.assign(RNG.normal(size=variable.shape))
    cr.save(tmp_path / "model.safetensors", {"model": model})
    assert "model/layers/0/w" in cr.inspect_checkpoint(tmp_path / "model.safetensors").arrays
    cr.load(tmp_path / "model.safetensors", {"model": other})
    for path, variable in model.variables().items():
        np.testing.assert_array_equal(other.variables()[path].numpy(), variable.numpy())


def test_values_are_taken_over() -> None:
    model, other = network(), network()
    other[0].w.assign(np.ones((3, 4)))
    model.assign(other.values())
    np.testing.assert_array_equal(model[0].w.numpy(), np.ones((3, 4)))
    with pytest.raises(cr.ArgumentError, match="assign: Sequential holds a Tensor, no variable"):
        model.values().assign(model)


def test_dropout_draws_in_training_alone() -> None:
    model = cr.nn.Sequential(cr.nn.Dropout(0.5), cr.nn.Linear(3, 2, seed=0))
    np.testing.assert_array_equal(model(X).numpy(), model[1](X).numpy())
    first = model(X, training=True, generator=cr.random.Generator(3)).numpy()
    np.testing.assert_array_equal(first, model(X, training=True, generator=cr.random.Generator(3)).numpy())
    assert np.any(first != model(X).numpy())
    generator = cr.random.Generator(4)
    draw = cr.function(lambda x: cr.nn.dropout(x, 0.25, generator))
    x = np.ones((200, 50))
    one, two = draw(x), draw(x)
    assert {*np.unique(one)} == {0.0, 1 / 0.75}
    assert abs(np.mean(one) - 1.0) < 0.03
    assert np.any(one != two)
    channels = cr.nn.dropout(x, 0.5, cr.random.Generator(0), shape=(1, 50)).numpy()
    assert np.all((channels == 0) == (channels[:1] == 0))
    gradient = cr.grad(lambda x: cr.sum(cr.nn.dropout(x, 0.5, cr.random.Generator(0), shape=(1, 50))))(cr.tensor(x))
    np.testing.assert_array_equal(gradient.numpy(), channels)
    with pytest.raises(cr.ArgumentError, match=r"dropout: rate: expected a probability, from 0 to 1, got 1.5"):
        cr.nn.dropout(x, 1.5)


def test_as_pytorchs_layers() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")
    torch.manual_seed(0)
    x = RNG.normal(size=(2, 5, 4))

    def array(parameter: Any) -> Any:
        return parameter.detach().numpy()

    theirs = torch.nn.LSTM(4, 3, batch_first=True).double()
    ours = cr.nn.LSTM(4, 3)
    ours.w.assign(array(theirs.weight_ih_l0).T)
    ours.u.assign(array(theirs.weight_hh_l0).T)
    ours.b.assign(array(theirs.bias_ih_l0 + theirs.bias_hh_l0))
    (ys, (h, c)), (want, (want_h, want_c)) = ours(x), theirs(torch.tensor(x))
    for have, expected in ((ys, want), (h, want_h[0]), (c, want_c[0])):
        np.testing.assert_allclose(have.numpy(), array(expected), rtol=1e-11, atol=1e-13)
    gradient = cr.grad(lambda model: cr.sum(cr.sin(model(x)[0])))(ours)
    torch.sin(want).sum().backward()
    np.testing.assert_allclose(gradient.u.numpy(), theirs.weight_hh_l0.grad.numpy().T, rtol=1e-10, atol=1e-12)

    theirs = torch.nn.GRU(4, 3, batch_first=True, bidirectional=True).double()
    both = cr.nn.Bidirectional(cr.nn.GRU(4, 3), cr.nn.GRU(4, 3, reverse=True))
    for layer, suffix in ((both.forward, ""), (both.backward, "_reverse")):
        layer.w.assign(array(getattr(theirs, f"weight_ih_l0{suffix}")).T)
        layer.u.assign(array(getattr(theirs, f"weight_hh_l0{suffix}")).T)
        layer.b.assign(array(getattr(theirs, f"bias_ih_l0{suffix}")))
        layer.b_h.assign(array(getattr(theirs, f"bias_hh_l0{suffix}")))
    np.testing.assert_allclose(both(x)[0].numpy(), array(theirs(torch.tensor(x))[0]), rtol=1e-11, atol=1e-13)

    theirs = torch.nn.RNN(4, 3, batch_first=True).double()
    simple = cr.nn.RNN(4, 3)
    simple.w.assign(array(theirs.weight_ih_l0).T)
    simple.u.assign(array(theirs.weight_hh_l0).T)
    simple.b.assign(array(theirs.bias_ih_l0 + theirs.bias_hh_l0))
    np.testing.assert_allclose(simple(x)[0].numpy(), array(theirs(torch.tensor(x))[0]), rtol=1e-11, atol=1e-13)

    theirs = torch.nn.MultiheadAttention(4, 2, batch_first=True).double()
    attention = cr.nn.MultiHeadAttention(4, 2)
    for layer, w, b in zip(
        (attention.query, attention.key, attention.value),
        array(theirs.in_proj_weight).reshape(3, 4, 4),
        array(theirs.in_proj_bias).reshape(3, 4),
        strict=True,
    ):
        layer.w.assign(w.T)
        layer.b.assign(b)
    attention.out.w.assign(array(theirs.out_proj.weight).T)
    attention.out.b.assign(array(theirs.out_proj.bias))
    t, mask = torch.tensor(x), np.tri(5, dtype=bool)
    want, _ = theirs(t, t, t, attn_mask=torch.tensor(~mask))
    np.testing.assert_allclose(attention(x, causal=True).numpy(), array(want), rtol=1e-11, atol=1e-13)

    theirs = torch.nn.BatchNorm1d(4).double()
    norm = cr.nn.BatchNorm(4, axis=1)
    images = RNG.normal(size=(3, 4, 5))
    np.testing.assert_allclose(norm(images, training=True).numpy(), array(theirs(torch.tensor(images))), rtol=1e-10)
    np.testing.assert_allclose(norm.mean.numpy(), theirs.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(norm.variance.numpy(), theirs.running_var.numpy(), rtol=1e-12)
    np.testing.assert_allclose(norm(images).numpy(), array(theirs.eval()(torch.tensor(images))), rtol=1e-10)


def test_cells_are_steps_of_layers() -> None:
    x, h, c = RNG.normal(size=(2, 1, 4)), RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    simple, lstm, gru = cr.nn.RNN(4, 3, seed=0), cr.nn.LSTM(4, 3, seed=0), cr.nn.GRU(4, 3, seed=0)
    pairs = [
        (cr.nn.rnn_cell(x[:, 0], h, simple.w, simple.u, simple.b), simple(x, h)[1]),
        (cr.nn.lstm_cell(x[:, 0], h, c, lstm.w, lstm.u, lstm.b)[1], lstm(x, (h, c))[1][1]),
        (cr.nn.gru_cell(x[:, 0], h, gru.w, gru.u, gru.b, gru.b_h), gru(x, h)[1]),
    ]
    for have, want in pairs:
        np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-12)
    np.testing.assert_array_equal(lstm.b.numpy(), np.repeat([0.0, 1.0, 0.0, 0.0], 3))


def test_embeddings() -> None:
    table, indices = RNG.normal(size=(5, 3)), np.array([[1, 4], [1, 0]])
    layer = cr.nn.Embedding(5, 3, padding_index=4, max_norm=1.0, seed=0)
    layer.table.assign(table)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    np.testing.assert_allclose(layer(indices).numpy(), (table * np.minimum(1.0, 1.0 / lengths))[indices], rtol=1e-12)
    gradient = cr.grad(lambda layer: cr.sum(layer(indices)))(cr.nn.Embedding(5, 3, padding_index=4)).table.numpy()
    np.testing.assert_array_equal(gradient, np.array([1.0, 2.0, 0.0, 0.0, 0.0])[:, None] * np.ones(3))
    np.testing.assert_array_equal(cr.nn.one_hot(indices, 5, "float32").numpy(), np.eye(5, dtype="float32")[indices])
    q, k = RNG.normal(size=(4,)), RNG.normal(size=(4,))
    products = [
        float(cr.sum(cr.nn.rotary_positions(q[None], first=i + 3) * cr.nn.rotary_positions(k[None], first=i)))
        for i in (0, 5)
    ]
    np.testing.assert_allclose(products[0], products[1], rtol=1e-12)  # of positions 3 apart


def test_one_of_a_batch_at_a_time() -> None:
    """`vmap` goes through modules and functions of networks, and through parameters that are stacked."""
    model = network().values()
    np.testing.assert_allclose(cr.vmap(model)(X), model(X).numpy(), rtol=1e-12)
    stacked = optree.tree_map(lambda x: cr.stack([x, 2.0 * x]), model)
    both = cr.vmap(lambda model: model(X))(stacked)
    doubled = optree.tree_map(lambda x: 2.0 * x, model)
    np.testing.assert_allclose(both[1].numpy(), doubled(X).numpy(), rtol=1e-12)
    images = RNG.normal(size=(3, 2, 5, 4, 2))
    for f in (lambda x: cr.nn.unfold(x, 2, 2), lambda x: cr.nn.fold(cr.nn.unfold(x, 2), (5, 4), 2)):
        np.testing.assert_allclose(cr.vmap(f)(images), np.stack([f(x).numpy() for x in images]), rtol=1e-12)


# Functions that look at lengths, and arrays for them of which a graph knows some or none.
UNKNOWN: dict[str, Any] = {
    "batch_norm_training": lambda x: cr.nn.batch_norm_training(x, cr.zeros(4), cr.ones(4))[0],
    "lstm": lambda x: cr.nn.lstm(x, cr.ones((4, 8)), cr.ones((2, 8)))[0],
    "attention": cr.nn.MultiHeadAttention(4, 2, seed=0),
    "cross_entropy": lambda x: cr.nn.cross_entropy(x, cr.argmax(x, axis=-1), label_smoothing=0.1, ignore_index=1),
    "pixel_shuffle": lambda x: cr.nn.pixel_shuffle(x, 2),
    "depthwise_conv": lambda x: cr.nn.depthwise_conv(x, cr.ones((2, 4, 2))),
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("shape", [(None, 5, 4), (None, None, None)], ids=str)
def test_lengths_that_graphs_do_not_know(name: str, shape: Any) -> None:
    f, x = UNKNOWN[name], RNG.normal(size=(3, 5, 4))
    with cr.Graph().as_default():
        symbol = cr.placeholder("float64", shape)
        y = f(symbol)
        results = cr.Session().run([y, *cr.gradients(cr.sum(y * y), [symbol])], {symbol: x})
    want = f(cr.tensor(x)).numpy(), cr.grad(lambda x: cr.sum(cr.square(f(x))))(x)
    for have, expected in zip(results, want, strict=True):
        np.testing.assert_allclose(have, expected, rtol=1e-10, atol=1e-12)


def test_nothing_to_compute() -> None:
    x = np.ones((0, 5, 4))
    for f in (
        cr.nn.LayerNorm(4),
        cr.nn.MultiHeadAttention(4, 2),
        lambda x: cr.nn.gru(x, cr.ones((4, 6)), cr.ones((2, 6)))[0],
    ):
        assert f(x).shape[:2] == (0, 5)


def test_weights_by_direction_and_length_as_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")
    w, b, x = RNG.normal(size=(3, 2)), RNG.normal(size=2), RNG.normal(size=(4, 3))
    theirs = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 2).double())
    lengths, directions = theirs.parametrizations.weight.parameters()
    theirs.bias.data, directions.data = torch.tensor(b), torch.tensor(w.T.copy())
    lengths.data = torch.tensor([[2.0], [3.0]], dtype=torch.float64)
    layer = cr.nn.Linear(3, 2, dtype="float64")
    layer.w.assign(w)
    layer.b.assign(b)
    ours = cr.nn.WeightNorm(layer)
    np.testing.assert_allclose(ours(x).numpy(), layer(x).numpy(), rtol=1e-13)  # before lengths change
    ours.length.assign([2.0, 3.0])
    y = theirs(torch.tensor(x))
    torch.sin(y).sum().backward()
    np.testing.assert_allclose(ours(x).numpy(), y.detach().numpy(), rtol=1e-12)
    gradient = cr.grad(lambda model: cr.sum(cr.sin(model(x))))(ours)
    np.testing.assert_allclose(gradient.length.numpy(), lengths.grad.numpy()[:, 0], rtol=1e-10)
    np.testing.assert_allclose(gradient.layer.w.numpy(), directions.grad.numpy().T, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(gradient.layer.b.numpy(), theirs.bias.grad.numpy(), rtol=1e-10)


def test_weights_by_their_singular_value_as_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")
    w, x = RNG.normal(size=(2, 2, 3, 4)), RNG.normal(size=(1, 5, 5, 3))
    plain = torch.nn.Conv2d(3, 4, 2, bias=False).double()
    plain.weight.data = torch.tensor(np.transpose(w, (3, 2, 0, 1)).copy())
    theirs = torch.nn.utils.parametrizations.spectral_norm(plain)
    layer = cr.nn.Conv(3, 4, (2, 2), bias=False, dtype="float64")
    layer.w.assign(w)
    ours = cr.nn.SpectralNorm(layer)
    held = theirs.parametrizations.weight[0]
    # Ours has the elements of a window in another order.
    v = held._v.numpy().reshape(3, 2, 2).transpose(1, 2, 0).ravel()
    ours.u.assign(held._u.numpy().copy())
    ours.v.assign(v)
    for training in (False, True, True, False):
        theirs.train(training)
        theirs.zero_grad()
        y = theirs(torch.tensor(x.transpose(0, 3, 1, 2).copy()))
        torch.sin(y).sum().backward()
        # Before the gradient, which begins at the same vectors.
        gradient = cr.grad(lambda model, training=training: cr.sum(cr.sin(model(x, training))))(ours)
        np.testing.assert_allclose(ours(x, training).numpy(), y.detach().numpy().transpose(0, 2, 3, 1), rtol=1e-10)
        want = theirs.parametrizations.weight.original.grad.numpy().transpose(2, 3, 1, 0)
        np.testing.assert_allclose(gradient.layer.w.numpy(), want, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.u.numpy(), held._u.numpy(), rtol=1e-10)
    assert sorted(ours.variables()) == ["layer.w", "u", "v"]
    assert [x.trainable for x in (ours.u, ours.v)] == [False, False]


def test_dropout_of_selu_keeps_mean_and_variance() -> None:
    x = cr.random.Generator(0).normal((200_000,))
    y = cr.nn.alpha_dropout(x, 0.3, cr.random.Generator(1)).numpy()
    assert abs(y.mean()) < 0.01
    assert abs(y.std() - 1) < 0.01
    assert abs(np.unique(y, return_counts=True)[1].max() / len(y) - 0.3) < 0.01  # what is left out is one number
    np.testing.assert_array_equal(cr.nn.alpha_dropout(x, 0.0).numpy(), x.numpy())


def test_slopes_that_are_drawn_in_training() -> None:
    x = cr.full((10_000,), -2.0)
    y = cr.nn.rrelu(x, 0.1, 0.5, training=True, generator=cr.random.Generator(0)).numpy() / -2
    assert y.min() >= 0.1
    assert y.max() <= 0.5
    assert abs(y.mean() - 0.3) < 0.01
    np.testing.assert_array_equal(cr.nn.rrelu(cr.tensor([3.0]), training=True).numpy(), [3.0])


@pytest.mark.parametrize("rate", [0, 1])
def test_nothing_and_all_left_out(rate: int) -> None:
    np.testing.assert_array_equal(cr.nn.dropout(cr.ones(4), rate).numpy(), np.full(4, 1.0 - rate))
    np.testing.assert_array_equal(cr.grad(lambda x: cr.sum(cr.nn.dropout(x, rate)))(np.ones(4)), np.full(4, 1.0 - rate))


def test_refusals() -> None:
    with pytest.raises(cr.ShapeError, match=r"batch_norm_training: x: expected more than one number for each channel"):
        cr.nn.BatchNorm(3)(np.ones((1, 3)), training=True)
    with pytest.raises(cr.ArgumentError, match="Sequential: expected modules and functions, got 3"):
        cr.nn.Sequential(3)
    with pytest.raises(cr.ArgumentError, match="8 features are not a multiple of 3 heads"):
        cr.nn.MultiHeadAttention(8, 3)
    with pytest.raises(cr.ArgumentError, match="forward: expected one with reverse=False"):
        cr.nn.Bidirectional(cr.nn.GRU(2, 2), cr.nn.GRU(2, 2))
    with pytest.raises(NotImplementedError, match="Empty defines no __call__"):
        type("Empty", (cr.nn.Module,), {})()(X)
    with pytest.raises(cr.ShapeError, match=r"embedding: table: expected shape \(n, features\), got \(3,\)"):
        cr.nn.embedding([0], np.ones(3))
    with pytest.raises(cr.ArgumentError, match="resize: expected either a size or a scale, got size=3 and scale=2"):
        cr.nn.resize(np.ones((1, 2, 1)), 3, scale=2)
    with pytest.raises(cr.ArgumentError, match="grid_sample: padding: expected one of 'zeros', 'border', 'reflection'"):
        cr.nn.grid_sample(np.ones((1, 2, 1)), np.ones((1, 2, 1)), padding="none")
    with pytest.raises(cr.ShapeError, match=r"grid_sample: grid: expected shape \(batch, \*size, 2\)"):
        cr.nn.grid_sample(np.ones((1, 2, 2, 1)), np.ones((1, 2, 2, 3)))
    with pytest.raises(cr.ArgumentError, match="embedding_bag: weights: go with the mode 'sum', got 'mean'"):
        cr.nn.embedding_bag([[0]], np.ones((2, 3)), weights=[[1.0]])
    with pytest.raises(cr.ShapeError, match=r"embedding_bag: indices: expected shape \(bags, n\), or \(n,\) with"):
        cr.nn.embedding_bag([0], np.ones((2, 3)))
    with pytest.raises(cr.ArgumentError, match="multi_margin_loss: p: expected 1 or 2, got 3"):
        cr.nn.multi_margin_loss(X, [0] * 6, p=3)
    with pytest.raises(cr.ShapeError, match=r"ctc_loss: expected logits of shape \(batch, steps, n_classes\)"):
        cr.nn.ctc_loss(X, [[0]])
