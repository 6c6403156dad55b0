"""Operations of neural networks: `cr.nn`.

>>> import chainrule as cr
>>> image = cr.ones((1, 4, 4, 1))
>>> cr.nn.max_pool2d(cr.relu(cr.nn.conv2d(image, cr.ones((3, 3, 1, 2))))).shape
(1, 1, 1, 2)

Importing the package imports none of its parts: each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule import log_softmax as log_softmax
    from chainrule import relu as relu
    from chainrule import sigmoid as sigmoid
    from chainrule import softmax as softmax
    from chainrule import softmax_cross_entropy as softmax_cross_entropy
    from chainrule import softplus as softplus
    from chainrule import sparse_softmax_cross_entropy as sparse_softmax_cross_entropy
    from chainrule_nn._activations import celu as celu
    from chainrule_nn._activations import elu as elu
    from chainrule_nn._activations import gelu as gelu
    from chainrule_nn._activations import glu as glu
    from chainrule_nn._activations import hard_shrink as hard_shrink
    from chainrule_nn._activations import hard_sigmoid as hard_sigmoid
    from chainrule_nn._activations import hard_swish as hard_swish
    from chainrule_nn._activations import hard_tanh as hard_tanh
    from chainrule_nn._activations import leaky_relu as leaky_relu
    from chainrule_nn._activations import log_sigmoid as log_sigmoid
    from chainrule_nn._activations import mish as mish
    from chainrule_nn._activations import prelu as prelu
    from chainrule_nn._activations import relu6 as relu6
    from chainrule_nn._activations import rrelu as rrelu
    from chainrule_nn._activations import selu as selu
    from chainrule_nn._activations import silu as silu
    from chainrule_nn._activations import soft_shrink as soft_shrink
    from chainrule_nn._activations import softmin as softmin
    from chainrule_nn._activations import softsign as softsign
    from chainrule_nn._activations import sparsemax as sparsemax
    from chainrule_nn._activations import tanh_shrink as tanh_shrink
    from chainrule_nn._activations import threshold as threshold
    from chainrule_nn._adaptive import adaptive_avg_pool as adaptive_avg_pool
    from chainrule_nn._adaptive import adaptive_avg_pool1d as adaptive_avg_pool1d
    from chainrule_nn._adaptive import adaptive_avg_pool2d as adaptive_avg_pool2d
    from chainrule_nn._adaptive import adaptive_avg_pool3d as adaptive_avg_pool3d
    from chainrule_nn._adaptive import adaptive_max_pool as adaptive_max_pool
    from chainrule_nn._adaptive import adaptive_max_pool1d as adaptive_max_pool1d
    from chainrule_nn._adaptive import adaptive_max_pool2d as adaptive_max_pool2d
    from chainrule_nn._adaptive import adaptive_max_pool3d as adaptive_max_pool3d
    from chainrule_nn._adaptive import adaptive_max_pool_with_indices as adaptive_max_pool_with_indices
    from chainrule_nn._adaptive import global_avg_pool as global_avg_pool
    from chainrule_nn._adaptive import global_max_pool as global_max_pool
    from chainrule_nn._adaptive import lp_pool as lp_pool
    from chainrule_nn._attention import scaled_dot_product_attention as scaled_dot_product_attention
    from chainrule_nn._conv import conv as conv
    from chainrule_nn._conv import conv1d as conv1d
    from chainrule_nn._conv import conv2d as conv2d
    from chainrule_nn._conv import conv3d as conv3d
    from chainrule_nn._conv import conv_transpose as conv_transpose
    from chainrule_nn._conv import conv_transpose1d as conv_transpose1d
    from chainrule_nn._conv import conv_transpose2d as conv_transpose2d
    from chainrule_nn._conv import conv_transpose3d as conv_transpose3d
    from chainrule_nn._conv import depthwise_conv as depthwise_conv
    from chainrule_nn._conv import separable_conv as separable_conv
    from chainrule_nn._cross_entropy import cross_entropy as cross_entropy
    from chainrule_nn._cross_entropy import nll_loss as nll_loss
    from chainrule_nn._ctc import ctc_loss as ctc_loss
    from chainrule_nn._dropout import alpha_dropout as alpha_dropout
    from chainrule_nn._dropout import dropout as dropout
    from chainrule_nn._embedding import embedding as embedding
    from chainrule_nn._embedding import embedding_bag as embedding_bag
    from chainrule_nn._embedding import one_hot as one_hot
    from chainrule_nn._embedding import rotary_positions as rotary_positions
    from chainrule_nn._embedding import sinusoidal_positions as sinusoidal_positions
    from chainrule_nn._grid import affine_grid as affine_grid
    from chainrule_nn._grid import grid_sample as grid_sample
    from chainrule_nn._initializers import delta_orthogonal as delta_orthogonal
    from chainrule_nn._initializers import glorot_normal as glorot_normal
    from chainrule_nn._initializers import glorot_uniform as glorot_uniform
    from chainrule_nn._initializers import he_normal as he_normal
    from chainrule_nn._initializers import he_uniform as he_uniform
    from chainrule_nn._initializers import lecun_normal as lecun_normal
    from chainrule_nn._initializers import normal as normal
    from chainrule_nn._initializers import orthogonal as orthogonal
    from chainrule_nn._initializers import truncated_normal as truncated_normal
    from chainrule_nn._layers import bilinear as bilinear
    from chainrule_nn._layers import dense as dense
    from chainrule_nn._layers import flatten as flatten
    from chainrule_nn._losses import binary_cross_entropy as binary_cross_entropy
    from chainrule_nn._losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
    from chainrule_nn._losses import cosine_embedding_loss as cosine_embedding_loss
    from chainrule_nn._losses import cosine_similarity as cosine_similarity
    from chainrule_nn._losses import gaussian_nll_loss as gaussian_nll_loss
    from chainrule_nn._losses import hinge_loss as hinge_loss
    from chainrule_nn._losses import huber_loss as huber_loss
    from chainrule_nn._losses import kl_div_loss as kl_div_loss
    from chainrule_nn._losses import l1_loss as l1_loss
    from chainrule_nn._losses import log_cosh_loss as log_cosh_loss
    from chainrule_nn._losses import margin_ranking_loss as margin_ranking_loss
    from chainrule_nn._losses import mse_loss as mse_loss
    from chainrule_nn._losses import poisson_nll_loss as poisson_nll_loss
    from chainrule_nn._losses import smooth_l1_loss as smooth_l1_loss
    from chainrule_nn._losses import soft_margin_loss as soft_margin_loss
    from chainrule_nn._losses import squared_hinge_loss as squared_hinge_loss
    from chainrule_nn._margin_losses import hinge_embedding_loss as hinge_embedding_loss
    from chainrule_nn._margin_losses import multi_margin_loss as multi_margin_loss
    from chainrule_nn._margin_losses import multilabel_margin_loss as multilabel_margin_loss
    from chainrule_nn._margin_losses import multilabel_soft_margin_loss as multilabel_soft_margin_loss
    from chainrule_nn._margin_losses import triplet_margin_loss as triplet_margin_loss
    from chainrule_nn._module import Module as Module
    from chainrule_nn._modules import BatchNorm as BatchNorm
    from chainrule_nn._modules import Bilinear as Bilinear
    from chainrule_nn._modules import Conv as Conv
    from chainrule_nn._modules import ConvTranspose as ConvTranspose
    from chainrule_nn._modules import Dropout as Dropout
    from chainrule_nn._modules import Embedding as Embedding
    from chainrule_nn._modules import GroupNorm as GroupNorm
    from chainrule_nn._modules import InstanceNorm as InstanceNorm
    from chainrule_nn._modules import LayerNorm as LayerNorm
    from chainrule_nn._modules import Linear as Linear
    from chainrule_nn._modules import RMSNorm as RMSNorm
    from chainrule_nn._modules import Sequential as Sequential
    from chainrule_nn._modules_sequences import GRU as GRU
    from chainrule_nn._modules_sequences import LSTM as LSTM
    from chainrule_nn._modules_sequences import RNN as RNN
    from chainrule_nn._modules_sequences import Bidirectional as Bidirectional
    from chainrule_nn._modules_sequences import MultiHeadAttention as MultiHeadAttention
    from chainrule_nn._modules_weights import SpectralNorm as SpectralNorm
    from chainrule_nn._modules_weights import WeightNorm as WeightNorm
    from chainrule_nn._modules_weights import weight_norm as weight_norm
    from chainrule_nn._normalization import batch_norm as batch_norm
    from chainrule_nn._normalization import batch_norm_training as batch_norm_training
    from chainrule_nn._normalization import group_norm as group_norm
    from chainrule_nn._normalization import instance_norm as instance_norm
    from chainrule_nn._normalization import layer_norm as layer_norm
    from chainrule_nn._normalization import local_response_norm as local_response_norm
    from chainrule_nn._normalization import normalize as normalize
    from chainrule_nn._normalization import rms_norm as rms_norm
    from chainrule_nn._patches import fold as fold
    from chainrule_nn._patches import unfold as unfold
    from chainrule_nn._pool import avg_pool as avg_pool
    from chainrule_nn._pool import avg_pool1d as avg_pool1d
    from chainrule_nn._pool import avg_pool2d as avg_pool2d
    from chainrule_nn._pool import avg_pool3d as avg_pool3d
    from chainrule_nn._pool import max_pool as max_pool
    from chainrule_nn._pool import max_pool1d as max_pool1d
    from chainrule_nn._pool import max_pool2d as max_pool2d
    from chainrule_nn._pool import max_pool3d as max_pool3d
    from chainrule_nn._pool import max_pool_with_indices as max_pool_with_indices
    from chainrule_nn._pool import max_unpool as max_unpool
    from chainrule_nn._recurrent import gru as gru
    from chainrule_nn._recurrent import gru_cell as gru_cell
    from chainrule_nn._recurrent import lstm as lstm
    from chainrule_nn._recurrent import lstm_cell as lstm_cell
    from chainrule_nn._recurrent import rnn as rnn
    from chainrule_nn._recurrent import rnn_cell as rnn_cell
    from chainrule_nn._resize import channel_shuffle as channel_shuffle
    from chainrule_nn._resize import pixel_shuffle as pixel_shuffle
    from chainrule_nn._resize import pixel_unshuffle as pixel_unshuffle
    from chainrule_nn._resize import resize as resize

# Where each public name is.
_PARTS = {
    name: part
    for part, names in {
        "chainrule": "log_softmax relu sigmoid softmax softmax_cross_entropy softplus sparse_softmax_cross_entropy",
        "._activations": (
            "celu elu gelu glu hard_shrink hard_sigmoid hard_swish hard_tanh leaky_relu log_sigmoid mish prelu "
            "relu6 rrelu selu silu soft_shrink softmin softsign sparsemax tanh_shrink threshold"
        ),
        "._adaptive": (
            "adaptive_avg_pool adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool "
            "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d adaptive_max_pool_with_indices "
            "global_avg_pool global_max_pool lp_pool"
        ),
        "._attention": "scaled_dot_product_attention",
        "._conv": (
            "conv conv1d conv2d conv3d conv_transpose conv_transpose1d conv_transpose2d conv_transpose3d "
            "depthwise_conv separable_conv"
        ),
        "._cross_entropy": "cross_entropy nll_loss",
        "._ctc": "ctc_loss",
        "._dropout": "alpha_dropout dropout",
        "._embedding": "embedding embedding_bag one_hot rotary_positions sinusoidal_positions",
        "._grid": "affine_grid grid_sample",
        "._initializers": (
            "delta_orthogonal glorot_normal glorot_uniform he_normal he_uniform lecun_normal normal orthogonal "
            "truncated_normal"
        ),
        "._layers": "bilinear dense flatten",
        "._losses": (
            "binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cosine_similarity "
            "gaussian_nll_loss hinge_loss huber_loss kl_div_loss l1_loss log_cosh_loss margin_ranking_loss "
            "mse_loss poisson_nll_loss smooth_l1_loss soft_margin_loss squared_hinge_loss"
        ),
        "._margin_losses": (
            "hinge_embedding_loss multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss "
            "triplet_margin_loss"
        ),
        "._module": "Module",
        "._modules": (
            "BatchNorm Bilinear Conv ConvTranspose Dropout Embedding GroupNorm InstanceNorm LayerNorm Linear "
            "RMSNorm Sequential"
        ),
        "._modules_sequences": "Bidirectional GRU LSTM MultiHeadAttention RNN",
        "._modules_weights": "SpectralNorm weight_norm WeightNorm",
        "._normalization": (
            "batch_norm batch_norm_training group_norm instance_norm layer_norm local_response_norm normalize rms_norm"
        ),
        "._patches": "fold unfold",
        "._pool": (
            "avg_pool avg_pool1d avg_pool2d avg_pool3d max_pool max_pool1d max_pool2d max_pool3d "
            "max_pool_with_indices max_unpool"
        ),
        "._recurrent": "gru gru_cell lstm lstm_cell rnn rnn_cell",
        "._resize": "channel_shuffle pixel_shuffle pixel_unshuffle resize",
    }.items()
    for name in names.split()
}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
