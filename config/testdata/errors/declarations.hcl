sink "vault" "main" {
  address = "https://vault.internal"
}

sink "vault" "main" { # ERROR: A sink "vault" "main" was already declared at testdata/errors/declarations.hcl:1,1
  address = "https://vault.internal"
}

sink "vault" "two words" { # ERROR: Invalid name
  address = "https://vault.internal"
}

variable "two words" { # ERROR: Invalid name
}

data "vault" "two words" { # ERROR: Invalid name
  sink = "main"
  path = "inputs"
}

data "vault" "a" {
  sink = "main"
  path = "inputs"
}

data "vault" "a" { # ERROR: data.vault.a was already declared at testdata/errors/declarations.hcl:21,1
  sink = "main"
  path = "inputs"
}

data "valt" "b" { # ERROR: There is no sink type "valt". Did you mean "vault"?
  sink = "main"
}

data "vault" "c" { # ERROR: Invalid data block; path: "/absolute" must not begin with a slash.
  sink = "main"
  path = "/absolute"
}

notify "webhook" "two words" { # ERROR: Invalid name
  url = "https://hooks.example.com/x"
}

locals {
  a = 1
  b = var           # ERROR: Name the variable after "var", as in var.name.
  c = local["a"]
  d = data.vault    # ERROR: Name a data block's type and name, as in data.vault.accounts.
  e = data          # ERROR: Name a data block's type and name
  f = local         # ERROR: Name the local value after "local", as in local.name.
  inner {           # ERROR: inner
  }
}

locals {
  a = 2 # ERROR: A local value named "a" was already defined at testdata/errors/declarations.hcl:45,3
}
