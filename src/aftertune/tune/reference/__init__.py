"""The reference engine: one run at a time on `trl.SFTTrainer`, for what the native engine does not do.

Full fine-tuning in several processes, QLoRA, and a second opinion on the native engine's numbers.
"""

from aftertune.tune.reference.engine import tune_reference
from aftertune.tune.reference.options import check_trainer_options

__all__ = ["check_trainer_options", "tune_reference"]
