sink "vault" "main" {
  address = local.address # ERROR: A sink must not depend on data.vault.a
}

locals {
  address = data.vault.a.address
}

data "vault" "a" {
  sink = "main"
  path = "inputs"
}

data "vault" "b" { # ERROR: The argument "sink" is required
  path = "inputs"
}

data "vault" "c" {
  sink = "other" # ERROR: No sink "vault" "other" is declared.
  path = "inputs"
}

state "vault" "main" {
  path = data.vault.a.path # ERROR: The state must not depend on data.vault.a
}

state "file" { # ERROR: There can be only one state block
}
