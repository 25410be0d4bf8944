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
from tests.verify.gallery.derivation import Derivation
from tests.verify.gallery.forward_option_of_layers import FORWARD_OPTION
from tests.verify.gallery.forward_option_of_losses import FORWARD_OPTION_OF_LOSSES
from tests.verify.gallery.larger_functions import LARGER_FUNCTIONS
from tests.verify.gallery.left_out_of_cells_and_losses import LEFT_OUT_OF_LOSSES
from tests.verify.gallery.left_out_of_layers import LEFT_OUT
from tests.verify.gallery.more_entries import MORE_ENTRIES
from tests.verify.gallery.not_summed import NOT_SUMMED
from tests.verify.gallery.other_dimension import OTHER_DIMENSION
from tests.verify.gallery.other_places import OTHER_PLACES
from tests.verify.gallery.other_tensor_in_cells_and_losses import OTHER_TENSOR_IN_LOSSES
from tests.verify.gallery.other_tensor_in_layers import OTHER_TENSOR
from tests.verify.gallery.right_cells_and_losses import RIGHT_CELLS_AND_LOSSES
from tests.verify.gallery.right_forms import RIGHT_FORMS
from tests.verify.gallery.right_layers import RIGHT_LAYERS
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
OF_COMPOSITIONS: dict[str, tuple[Derivation, ...]] = {
    "other tensor": (*OTHER_TENSOR.derivations, *OTHER_TENSOR_IN_LOSSES.derivations),
    "other dimension": (*OTHER_DIMENSION.derivations,),
    "transposed": (*TRANSPOSED.derivations,),
    "left out": (*LEFT_OUT.derivations, *LEFT_OUT_OF_LOSSES.derivations),
    "sign": (*SIGN.derivations,),
    "not summed": (*NOT_SUMMED.derivations,),
    "truncated in time": (*TRUNCATED_IN_TIME.derivations,),
    "forward option": (*FORWARD_OPTION.derivations, *FORWARD_OPTION_OF_LOSSES.derivations),
    "assigned": (*ASSIGNED.derivations,),
    "other places": (*OTHER_PLACES.derivations,),
    "more entries": (*MORE_ENTRIES.derivations,),
    "rounded": (*ROUNDED.derivations,),
    "larger functions": (*LARGER_FUNCTIONS.derivations,),
}
WRONG = (*OF_OPERATIONS, *(each for kind in OF_COMPOSITIONS.values() for each in kind))
NO_NAME = unnamed.NO_NAME
RIGHT = (
    *right_operations.RIGHT,
    *RIGHT_FORMS.derivations,
    *RIGHT_LAYERS.derivations,
    *RIGHT_CELLS_AND_LOSSES.derivations,
)
