"""The Huawei Cloud client: what to send, how to sign it, how to send it exactly once, what the answer means.

Knows HTTP and the cloud's documents; knows no Django, no models, no settings and no environment.
"Contract X.n" in a docstring is a section of the cloud contract, the collected facts about the cloud's APIs.
"""
