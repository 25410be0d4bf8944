"""Derivations in the forms that people have them in, by form."""

from tests.verify.gallery.derivation import NamedDerivation
from tests.verify.gallery.numpy_forms_layers import NUMPY_FORMS_LAYERS
from tests.verify.gallery.numpy_forms_layers_wrong import NUMPY_FORMS_LAYERS_WRONG
from tests.verify.gallery.numpy_forms_losses import NUMPY_FORMS_LOSSES
from tests.verify.gallery.numpy_forms_losses_wrong import NUMPY_FORMS_LOSSES_WRONG
from tests.verify.gallery.numpy_forms_models import NUMPY_FORMS_MODELS
from tests.verify.gallery.numpy_forms_outputs import NUMPY_FORMS_OUTPUTS
from tests.verify.gallery.numpy_forms_sequences import NUMPY_FORMS_SEQUENCES
from tests.verify.gallery.numpy_functions_right import NUMPY_FUNCTIONS_RIGHT
from tests.verify.gallery.numpy_functions_right_layers import NUMPY_FUNCTIONS_RIGHT_LAYERS
from tests.verify.gallery.numpy_functions_wrong import NUMPY_FUNCTIONS_WRONG
from tests.verify.gallery.numpy_functions_wrong_layers import NUMPY_FUNCTIONS_WRONG_LAYERS
from tests.verify.gallery.numpy_functions_wrong_losses import NUMPY_FUNCTIONS_WRONG_LOSSES
from tests.verify.gallery.numpy_functions_wrong_models import NUMPY_FUNCTIONS_WRONG_MODELS
from tests.verify.gallery.torch_forms_outputs import TORCH_FORMS_OUTPUTS

OF_FORMS: dict[str, tuple[NamedDerivation, ...]] = {
    "functions": (
        *NUMPY_FUNCTIONS_RIGHT.derivations,
        *NUMPY_FUNCTIONS_WRONG.derivations,
        *NUMPY_FUNCTIONS_WRONG_LOSSES.derivations,
    ),
    "layers and models": (
        *NUMPY_FUNCTIONS_RIGHT_LAYERS.derivations,
        *NUMPY_FUNCTIONS_WRONG_LAYERS.derivations,
        *NUMPY_FUNCTIONS_WRONG_MODELS.derivations,
    ),
    "losses with gradients": (
        *NUMPY_FORMS_LOSSES.derivations,
        *NUMPY_FORMS_LOSSES_WRONG.derivations,
        *NUMPY_FORMS_SEQUENCES.derivations,
    ),
    "objects": (
        *NUMPY_FORMS_MODELS.derivations,
        *NUMPY_FORMS_LAYERS.derivations,
        *NUMPY_FORMS_LAYERS_WRONG.derivations,
    ),
    "several outputs": (*NUMPY_FORMS_OUTPUTS.derivations, *TORCH_FORMS_OUTPUTS.derivations),
}
WRONG_IN_FORMS = tuple(each for form in OF_FORMS.values() for each in form if each.bad)
RIGHT_IN_FORMS = tuple(each for form in OF_FORMS.values() for each in form if not each.bad)
