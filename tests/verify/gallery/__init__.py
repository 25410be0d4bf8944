"""Derivations of others: the wrong ones with the name of their mistake, and right ones in unusual forms."""

from tests.verify.gallery import (
    composed_functions,
    composed_losses,
    elementwise,
    products,
    reductions,
    right_operations,
    unnamed,
)
from tests.verify.gallery.assigned import ASSIGNED
from tests.verify.gallery.derivation import Kind
from tests.verify.gallery.forward_option import FORWARD_OPTION
from tests.verify.gallery.larger_functions import LARGER_FUNCTIONS
from tests.verify.gallery.left_out import LEFT_OUT
from tests.verify.gallery.more_entries import MORE_ENTRIES
from tests.verify.gallery.not_summed import NOT_SUMMED
from tests.verify.gallery.other_dimension import OTHER_DIMENSION
from tests.verify.gallery.other_places import OTHER_PLACES
from tests.verify.gallery.other_tensor import OTHER_TENSOR
from tests.verify.gallery.right_forms import RIGHT_FORMS
from tests.verify.gallery.right_networks import RIGHT_NETWORKS
from tests.verify.gallery.rounded import ROUNDED
from tests.verify.gallery.sign import SIGN
from tests.verify.gallery.transposed import TRANSPOSED
from tests.verify.gallery.truncated_in_time import TRUNCATED_IN_TIME

OF_OPERATIONS = (
    *products.WRONG,
    *elementwise.WRONG,
    *reductions.WRONG,
    *composed_functions.WRONG,
    *composed_losses.WRONG,
)
KINDS: dict[str, Kind] = {
    "other tensor": OTHER_TENSOR,
    "other dimension": OTHER_DIMENSION,
    "transposed": TRANSPOSED,
    "left out": LEFT_OUT,
    "sign": SIGN,
    "not summed": NOT_SUMMED,
    "truncated in time": TRUNCATED_IN_TIME,
    "forward option": FORWARD_OPTION,
    "assigned": ASSIGNED,
    "other places": OTHER_PLACES,
    "more entries": MORE_ENTRIES,
    "rounded": ROUNDED,
    "larger functions": LARGER_FUNCTIONS,
}
OF_COMPOSITIONS = tuple(derivation for kind in KINDS.values() for derivation in kind.derivations)
WRONG = (*OF_OPERATIONS, *OF_COMPOSITIONS)
NO_NAME = unnamed.NO_NAME
RIGHT = (*right_operations.RIGHT, *RIGHT_FORMS.derivations, *RIGHT_NETWORKS.derivations)
