"""Operations with hand-written backwards, under the names and signatures of torch.nn.functional and torch."""

from manual_backprop.functional.abs import abs
from manual_backprop.functional.adaptive_avg_pool2d import adaptive_avg_pool2d
from manual_backprop.functional.add import add
from manual_backprop.functional.addmm import addmm, baddbmm
from manual_backprop.functional.avg_pool2d import avg_pool2d
from manual_backprop.functional.batch_norm import batch_norm
from manual_backprop.functional.binary_cross_entropy_with_logits import binary_cross_entropy_with_logits
from manual_backprop.functional.broadcast_to import broadcast_to
from manual_backprop.functional.cat import cat
from manual_backprop.functional.clone import clone
from manual_backprop.functional.conv2d import conv2d
from manual_backprop.functional.cross_entropy import cross_entropy
from manual_backprop.functional.cross_entropy_in_place import cross_entropy_
from manual_backprop.functional.div import div
from manual_backprop.functional.dropout import dropout
from manual_backprop.functional.elu import elu
from manual_backprop.functional.embedding import embedding
from manual_backprop.functional.exp import exp
from manual_backprop.functional.gelu import gelu
from manual_backprop.functional.getitem import index_select, narrow, select
from manual_backprop.functional.group_norm import group_norm
from manual_backprop.functional.hardsigmoid import hardsigmoid
from manual_backprop.functional.hardswish import hardswish
from manual_backprop.functional.hardtanh import hardtanh, relu6
from manual_backprop.functional.huber_loss import huber_loss, smooth_l1_loss
from manual_backprop.functional.kl_div import kl_div
from manual_backprop.functional.l1_loss import l1_loss
from manual_backprop.functional.layer_norm import layer_norm
from manual_backprop.functional.leaky_relu import leaky_relu
from manual_backprop.functional.linear import linear
from manual_backprop.functional.linear_cross_entropy import linear_cross_entropy
from manual_backprop.functional.linear_relu import linear_relu
from manual_backprop.functional.linear_sigmoid import linear_sigmoid
from manual_backprop.functional.log import log
from manual_backprop.functional.log_softmax import log_softmax
from manual_backprop.functional.lstm import lstm
from manual_backprop.functional.matmul import bmm, dot, matmul, mm, mv
from manual_backprop.functional.max_pool2d import max_pool2d
from manual_backprop.functional.mean import mean
from manual_backprop.functional.mse_loss import mse_loss
from manual_backprop.functional.mul import mul
from manual_backprop.functional.multi_head_attention_forward import multi_head_attention_forward
from manual_backprop.functional.neg import neg
from manual_backprop.functional.nll_loss import nll_loss
from manual_backprop.functional.permute import movedim, permute, t, transpose
from manual_backprop.functional.pow import pow, square
from manual_backprop.functional.relu import relu
from manual_backprop.functional.reshape import flatten, reshape, squeeze, unflatten, unsqueeze
from manual_backprop.functional.rms_norm import rms_norm
from manual_backprop.functional.rnn_relu import rnn_relu
from manual_backprop.functional.rnn_tanh import rnn_tanh
from manual_backprop.functional.rsqrt import rsqrt
from manual_backprop.functional.scaled_dot_product_attention import scaled_dot_product_attention
from manual_backprop.functional.sigmoid import sigmoid
from manual_backprop.functional.silu import silu
from manual_backprop.functional.softmax import softmax
from manual_backprop.functional.softplus import softplus
from manual_backprop.functional.split import chunk, split, unbind
from manual_backprop.functional.sqrt import sqrt
from manual_backprop.functional.stack import stack
from manual_backprop.functional.std import std
from manual_backprop.functional.sub import sub
from manual_backprop.functional.sum import sum
from manual_backprop.functional.tanh import tanh
from manual_backprop.functional.var import var
from manual_backprop.functional.where import masked_fill, where

__all__ = [
    "abs",
    "adaptive_avg_pool2d",
    "add",
    "addmm",
    "avg_pool2d",
    "baddbmm",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "bmm",
    "broadcast_to",
    "cat",
    "chunk",
    "clone",
    "conv2d",
    "cross_entropy",
    "cross_entropy_",
    "div",
    "dot",
    "dropout",
    "elu",
    "embedding",
    "exp",
    "flatten",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "huber_loss",
    "index_select",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "linear_cross_entropy",
    "linear_relu",
    "linear_sigmoid",
    "log",
    "log_softmax",
    "lstm",
    "masked_fill",
    "matmul",
    "max_pool2d",
    "mean",
    "mm",
    "movedim",
    "mse_loss",
    "mul",
    "multi_head_attention_forward",
    "mv",
    "narrow",
    "neg",
    "nll_loss",
    "permute",
    "pow",
    "relu",
    "relu6",
    "reshape",
    "rms_norm",
    "rnn_relu",
    "rnn_tanh",
    "rsqrt",
    "scaled_dot_product_attention",
    "select",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "sum",
    "t",
    "tanh",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
    "var",
    "where",
]
