"""The training loop, its history and files, and features computed once.

===================  ==============================================================================
module               holds
===================  ==============================================================================
``loop``             :func:`fit`, one readable loop, and :func:`evaluate`
``history``          :class:`History`: what happened in each epoch; plots itself
``checkpoints``      the best weights on disk: :func:`save_checkpoint`, :func:`load_checkpoint`
``checks``           what training asks of its arguments and of every batch, and what it says
``resume``           everything that training goes on from after a stop
``team``             the processes that `torchrun` starts, and what they tell each other
``features``         :func:`extract_features`: a frozen network runs over a data set once; :func:`extract_views`:
                     over several views of it
===================  ==============================================================================

Lesson 08 writes the loop out and shows that it computes the same. Read :func:`fit` from top to bottom: nothing in it
is hidden.
"""

from __future__ import annotations

from course_utils.training.checkpoints import CHECKPOINT_FORMAT, load_checkpoint, save_checkpoint
from course_utils.training.features import CachedViews, extract_features, extract_views
from course_utils.training.history import History
from course_utils.training.loop import Score, eval_mode, evaluate, fit

__all__ = [
    "CHECKPOINT_FORMAT",
    "CachedViews",
    "History",
    "Score",
    "eval_mode",
    "evaluate",
    "extract_features",
    "extract_views",
    "fit",
    "load_checkpoint",
    "save_checkpoint",
]
