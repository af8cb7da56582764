"""Joint codes: samples of a group that use the same atoms, greedy or by an l2,1 penalty."""

from sparsecode.joint.certificate import JointCertificate, certify_joint
from sparsecode.joint.lasso import JointResult, joint_lasso
from sparsecode.joint.omp import joint_omp

__all__ = ["JointCertificate", "JointResult", "certify_joint", "joint_lasso", "joint_omp"]
