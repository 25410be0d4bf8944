"""Attention."""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = ["MultiheadAttention"]


class MultiheadAttention(nn.MultiheadAttention):
    """Attention with several heads: torch.nn.MultiheadAttention with hand-written gradients."""

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """(L, N, E), or (N, L, E) with `batch_first`, or (L, E) → the same, and the weights if asked for."""
        examples_first = self.batch_first and query.dim() == 3
        if examples_first:  # one tensor in several places stays one: it is projected at once
            turned = F.transpose(query, 0, 1)
            turned_key = turned if key is query else F.transpose(key, 0, 1)
            value = turned_key if value is key else F.transpose(value, 0, 1)
            query, key = turned, turned_key
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return F.transpose(output, 0, 1) if examples_first else output, weights
