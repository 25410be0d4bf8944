"""Layers and losses in NumPy with their backwards: the wrong ones by what they are of, and the right ones."""

from tests.verify.gallery.derivation import NamedDerivation
from tests.verify.gallery.numpy_losses import NUMPY_LOSSES_RIGHT, NUMPY_LOSSES_WRONG
from tests.verify.gallery.numpy_networks import NUMPY_NETWORKS_RIGHT, NUMPY_NETWORKS_WRONG
from tests.verify.gallery.numpy_right_images import NUMPY_RIGHT_IMAGES
from tests.verify.gallery.numpy_right_layers import NUMPY_RIGHT_LAYERS
from tests.verify.gallery.numpy_right_sequences import NUMPY_RIGHT_SEQUENCES
from tests.verify.gallery.numpy_unnamed import NUMPY_NO_NAME, NUMPY_OTHER_SHAPE
from tests.verify.gallery.numpy_wrong_batch_norm import NUMPY_WRONG_BATCH_NORM
from tests.verify.gallery.numpy_wrong_dropout_and_attention import NUMPY_WRONG_DROPOUT_AND_ATTENTION
from tests.verify.gallery.numpy_wrong_images import NUMPY_WRONG_IMAGES
from tests.verify.gallery.numpy_wrong_layer_norm import NUMPY_WRONG_LAYER_NORM
from tests.verify.gallery.numpy_wrong_layers import NUMPY_WRONG_LAYERS
from tests.verify.gallery.numpy_wrong_lstm import NUMPY_WRONG_LSTM
from tests.verify.gallery.numpy_wrong_rnn import NUMPY_WRONG_RNN
from tests.verify.gallery.numpy_wrong_words import NUMPY_WRONG_WORDS

NUMPY_KINDS: dict[str, tuple[NamedDerivation, ...]] = {
    "layers": (*NUMPY_WRONG_LAYERS.derivations, *NUMPY_WRONG_DROPOUT_AND_ATTENTION.derivations),
    "norms": (*NUMPY_WRONG_BATCH_NORM.derivations, *NUMPY_WRONG_LAYER_NORM.derivations),
    "images": (*NUMPY_WRONG_IMAGES.derivations,),
    "sequences": (
        *NUMPY_WRONG_RNN.derivations,
        *NUMPY_WRONG_LSTM.derivations,
        *NUMPY_WRONG_WORDS.derivations,
    ),
    "networks and losses": (*NUMPY_NETWORKS_WRONG.derivations, *NUMPY_LOSSES_WRONG.derivations),
}
NUMPY_WRONG = tuple(each for kind in NUMPY_KINDS.values() for each in kind)
NUMPY_UNNAMED = (*NUMPY_NO_NAME.derivations,)
NUMPY_MALFORMED = (*NUMPY_OTHER_SHAPE.derivations,)
NUMPY_RIGHT = (
    *NUMPY_RIGHT_LAYERS.derivations,
    *NUMPY_RIGHT_IMAGES.derivations,
    *NUMPY_RIGHT_SEQUENCES.derivations,
    *NUMPY_NETWORKS_RIGHT.derivations,
    *NUMPY_LOSSES_RIGHT.derivations,
)
