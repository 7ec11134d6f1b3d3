variable "count" {
  type    = number
  default = 3
}

variable "required" { # ERROR: The variable "required" has no default and no value. Set it with --var required=
}

variable "wrong" {
  type    = list(string)
  default = 3 # ERROR: does not fit its type: list(string) required
}

variable "short" { # ERROR: Variable "short": Too short.
  default = "ab"
  validation {
    condition     = length(var.short) > 2
    error_message = "Too short."
  }
}

variable "wrong" { # ERROR: was already declared
}

variable "flag" {
  sensitive = var.count # ERROR: This must be a constant
  default   = 1
}

locals {
  a = local.b # ERROR: local.a (testdata/errors/expressions.hcl:31,3) → local.b (testdata/errors/expressions.hcl:32,3) → local.a
  b = local.a
  c = local.bb          # ERROR: No local value named "bb" is declared.
  d = var.cuont         # ERROR: No variable named "cuont" is declared. Did you mean "count"?
  e = upperr("x")       # ERROR: There is no function named "upperr". Did you mean "upper"?
  r = timestamp()         # ERROR: timestamp() is known only when a request is sent: use it in an upstream block.
  s = try(jwtsign({}, "k", "HS256"), "") # ERROR: jwtsign() is known only when a request is sent
  f = parseint("zz", 10) # ERROR: cannot parse "zz" as a base 10 integer
  g = data.vault.none.x # ERROR: No data block data.vault.none is declared.
  h = each.key          # ERROR: only inside a block that has for_each
  i = token.x           # ERROR: only inside a deliver block
  j = account.name      # ERROR: only inside a deliver block
  k = lcoal.a           # ERROR: There is nothing named "lcoal" here. Did you mean "local"?
  l = try(var.nope, "") # ERROR: No variable named "nope"
  m = file("missing.txt") # ERROR: there is no file at testdata/errors/missing.txt
  n = env("UNSET")        # ERROR: the environment variable UNSET is not set or empty
  o = try(env("UNSET"), "default")
  p = { name = { first = "x" } }
  q = local.p.name.frist # ERROR: local.p.name has no attribute "frist". Did you mean "first"?
}

account "bank" "a" {
  username = "u"
  password = local.p.nmae # ERROR: local.p has no attribute "nmae". Did you mean "name"?
}

# An argument can be seen by others, so it is no way for a secret.
variable "secret" { # ERROR: no default and no value. Set it in the environment variable CREDSYNC_VAR_secret, or in a file given by --var-file
  sensitive = true
}
