"""Operations with hand-written backwards, under the names and signatures of torch.nn.functional and torch."""

from manual_backprop.functional.activations.elu import elu
from manual_backprop.functional.activations.gelu import gelu
from manual_backprop.functional.activations.hardsigmoid import hardsigmoid
from manual_backprop.functional.activations.hardswish import hardswish
from manual_backprop.functional.activations.hardtanh import hardtanh, relu6
from manual_backprop.functional.activations.leaky_relu import leaky_relu
from manual_backprop.functional.activations.log_softmax import log_softmax
from manual_backprop.functional.activations.relu import relu
from manual_backprop.functional.activations.sigmoid import sigmoid
from manual_backprop.functional.activations.silu import silu
from manual_backprop.functional.activations.softmax import softmax
from manual_backprop.functional.activations.softplus import softplus
from manual_backprop.functional.activations.tanh import tanh
from manual_backprop.functional.affine.addmm import addmm, baddbmm
from manual_backprop.functional.affine.linear import linear
from manual_backprop.functional.affine.linear_relu import linear_relu
from manual_backprop.functional.affine.linear_sigmoid import linear_sigmoid
from manual_backprop.functional.affine.matmul import bmm, dot, matmul, mm, mv
from manual_backprop.functional.arithmetic.abs import abs
from manual_backprop.functional.arithmetic.add import add
from manual_backprop.functional.arithmetic.div import div
from manual_backprop.functional.arithmetic.exp import exp
from manual_backprop.functional.arithmetic.log import log
from manual_backprop.functional.arithmetic.mul import mul
from manual_backprop.functional.arithmetic.neg import neg
from manual_backprop.functional.arithmetic.pow import pow, square
from manual_backprop.functional.arithmetic.rsqrt import rsqrt
from manual_backprop.functional.arithmetic.sqrt import sqrt
from manual_backprop.functional.arithmetic.sub import sub
from manual_backprop.functional.attention.multi_head_attention_forward import multi_head_attention_forward
from manual_backprop.functional.attention.scaled_dot_product_attention import scaled_dot_product_attention
from manual_backprop.functional.convolution.adaptive_avg_pool2d import adaptive_avg_pool2d
from manual_backprop.functional.convolution.avg_pool2d import avg_pool2d
from manual_backprop.functional.convolution.conv2d import conv2d
from manual_backprop.functional.convolution.max_pool2d import max_pool2d
from manual_backprop.functional.dropout import dropout
from manual_backprop.functional.embedding import embedding
from manual_backprop.functional.losses.binary_cross_entropy_with_logits import (
    binary_cross_entropy_with_logits,
)
from manual_backprop.functional.losses.cross_entropy import cross_entropy
from manual_backprop.functional.losses.cross_entropy_in_place import cross_entropy_
from manual_backprop.functional.losses.huber_loss import huber_loss, smooth_l1_loss
from manual_backprop.functional.losses.kl_div import kl_div
from manual_backprop.functional.losses.l1_loss import l1_loss
from manual_backprop.functional.losses.linear_cross_entropy import linear_cross_entropy
from manual_backprop.functional.losses.mse_loss import mse_loss
from manual_backprop.functional.losses.nll_loss import nll_loss
from manual_backprop.functional.normalisation.batch_norm import batch_norm
from manual_backprop.functional.normalisation.group_norm import group_norm
from manual_backprop.functional.normalisation.layer_norm import layer_norm
from manual_backprop.functional.normalisation.rms_norm import rms_norm
from manual_backprop.functional.recurrent.lstm import lstm
from manual_backprop.functional.recurrent.rnn_relu import rnn_relu
from manual_backprop.functional.recurrent.rnn_tanh import rnn_tanh
from manual_backprop.functional.reductions.mean import mean
from manual_backprop.functional.reductions.std import std
from manual_backprop.functional.reductions.sum import sum
from manual_backprop.functional.reductions.var import var
from manual_backprop.functional.shapes.broadcast_to import broadcast_to
from manual_backprop.functional.shapes.cat import cat
from manual_backprop.functional.shapes.clone import clone
from manual_backprop.functional.shapes.getitem import index_select, narrow, select
from manual_backprop.functional.shapes.permute import movedim, permute, t, transpose
from manual_backprop.functional.shapes.reshape import flatten, reshape, squeeze, unflatten, unsqueeze
from manual_backprop.functional.shapes.split import chunk, split, unbind
from manual_backprop.functional.shapes.stack import stack
from manual_backprop.functional.shapes.where import masked_fill, where

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
