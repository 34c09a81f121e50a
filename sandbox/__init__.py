"""A simulated Huawei Cloud in its own process: it sells certificates and private CAs that do not exist.

Reached by HTTP only. It knows nothing of the portal, so that its ledger can be believed as a witness.
Choices that no document settles are marked ★ where they are made, with the reason.
"""
