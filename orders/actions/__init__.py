"""The verbs: the only writers. Check, change, record, schedule on commit; one transaction each."""
