"""Penalties ``g`` of a code, each with its weight `alpha`."""

from sparsecode.penalties.base import Penalty
from sparsecode.penalties.cauchy import Cauchy
from sparsecode.penalties.elastic_net import ElasticNet
from sparsecode.penalties.group import GroupL1
from sparsecode.penalties.k_sparse import KSparse
from sparsecode.penalties.l0 import L0
from sparsecode.penalties.l1 import L1
from sparsecode.penalties.log_sum import LogSum
from sparsecode.penalties.mcp import MCP
from sparsecode.penalties.scad import SCAD
from sparsecode.penalties.simplex import Simplex
from sparsecode.penalties.tanh import Tanh

__all__ = [
    "L0",
    "L1",
    "MCP",
    "SCAD",
    "Cauchy",
    "ElasticNet",
    "GroupL1",
    "KSparse",
    "LogSum",
    "Penalty",
    "Simplex",
    "Tanh",
]
