"""The reliability proof: processes killed, messages doubled, answers lost; and the cloud's ledger as the witness."""
