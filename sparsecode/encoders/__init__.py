"""Encoders, which compute codes of samples on a dictionary: exact or amortized."""

from sparsecode.encoders.alista import ALISTA, TiLISTA
from sparsecode.encoders.base import Encoder
from sparsecode.encoders.batch_topk import BatchTopK
from sparsecode.encoders.exact import Exact
from sparsecode.encoders.gated import Gated
from sparsecode.encoders.group_max import GroupMax
from sparsecode.encoders.jumprelu import JumpReLU
from sparsecode.encoders.leaky_relu import LeakyReLU
from sparsecode.encoders.leave_one_out import LeaveOneOut
from sparsecode.encoders.lista import LISTA, LISTASS
from sparsecode.encoders.lista_cp import LISTACP, LISTACPSS
from sparsecode.encoders.matching_pursuit import MatchingPursuit
from sparsecode.encoders.mlp import MLP
from sparsecode.encoders.psd import PSD
from sparsecode.encoders.refined import Refined
from sparsecode.encoders.relu import ReLU
from sparsecode.encoders.scaled_relu import ScaledReLU
from sparsecode.encoders.sigmoid import Sigmoid
from sparsecode.encoders.slista import SLISTA
from sparsecode.encoders.softmax import Softmax
from sparsecode.encoders.tanh import Tanh
from sparsecode.encoders.thresholding import Thresholding
from sparsecode.encoders.topk import AbsTopK, TopK
from sparsecode.encoders.trainable import TrainableEncoder
from sparsecode.encoders.triangle import Triangle
from sparsecode.encoders.winner_take_all import WinnerTakeAll

__all__ = [
    "ALISTA",
    "LISTA",
    "LISTACP",
    "LISTACPSS",
    "LISTASS",
    "MLP",
    "PSD",
    "SLISTA",
    "AbsTopK",
    "BatchTopK",
    "Encoder",
    "Exact",
    "Gated",
    "GroupMax",
    "JumpReLU",
    "LeakyReLU",
    "LeaveOneOut",
    "MatchingPursuit",
    "ReLU",
    "Refined",
    "ScaledReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Thresholding",
    "TiLISTA",
    "TopK",
    "TrainableEncoder",
    "Triangle",
    "WinnerTakeAll",
]
