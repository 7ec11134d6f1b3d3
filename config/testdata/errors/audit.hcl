audit {
  path = "audit.jsonl"
}

audit { # ERROR: Duplicate audit block; The audit trail was already declared at
  path = "other.jsonl"
}
