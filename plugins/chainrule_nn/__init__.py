"""Operations of neural networks: `cr.nn`. Activations and losses are among the array functions, as `cr.relu`.

>>> import chainrule as cr
>>> image = cr.ones((1, 4, 4, 1))
>>> cr.nn.max_pool2d(cr.relu(cr.nn.conv2d(image, cr.ones((3, 3, 1, 2))))).shape
(1, 1, 1, 2)
"""

from chainrule_nn._attention import scaled_dot_product_attention as scaled_dot_product_attention
from chainrule_nn._conv import conv as conv
from chainrule_nn._conv import conv1d as conv1d
from chainrule_nn._conv import conv2d as conv2d
from chainrule_nn._conv import conv3d as conv3d
from chainrule_nn._conv import conv_transpose as conv_transpose
from chainrule_nn._conv import conv_transpose1d as conv_transpose1d
from chainrule_nn._conv import conv_transpose2d as conv_transpose2d
from chainrule_nn._conv import conv_transpose3d as conv_transpose3d
from chainrule_nn._initializers import glorot_uniform as glorot_uniform
from chainrule_nn._initializers import he_normal as he_normal
from chainrule_nn._layers import dense as dense
from chainrule_nn._layers import flatten as flatten
from chainrule_nn._pool import avg_pool as avg_pool
from chainrule_nn._pool import avg_pool1d as avg_pool1d
from chainrule_nn._pool import avg_pool2d as avg_pool2d
from chainrule_nn._pool import avg_pool3d as avg_pool3d
from chainrule_nn._pool import max_pool as max_pool
from chainrule_nn._pool import max_pool1d as max_pool1d
from chainrule_nn._pool import max_pool2d as max_pool2d
from chainrule_nn._pool import max_pool3d as max_pool3d

__all__ = [
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "dense",
    "flatten",
    "glorot_uniform",
    "he_normal",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "scaled_dot_product_attention",
]
