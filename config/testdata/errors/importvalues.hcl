locals {
  names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
}

account "bank" "one" {
  for_each = toset(local.names)
  username = each.key
  password = "p"
}

account "plain" "one" {
  for_each = toset(local.names)
}

import {
  to           = account.bank.one["a"]
  access_token = "" # ERROR: Invalid value for an argument; The argument "access_token" is empty.
}

import { # ERROR: The argument "access_token" is required in the import block, but it is not set.
  to           = account.bank.one["b"]
  access_token = null
}

import {
  to           = account.bank.one["c"]
  access_token = "t"
  expires_at   = "tomorrow" # ERROR: Invalid value for an argument; The argument "expires_at": must be an RFC 3339 time: year, month, day, T, the time of day and Z or an offset, such as "2026-01-31T15:04:05Z" or "2026-01-31T20:04:05+05:00".
}

import {
  to            = account.plain.one["d"]
  access_token  = "t"
  refresh_token = "r" # ERROR: No refresh token to import; Provider "plain" does not use refresh tokens. Remove refresh_token.
}

import {
  to           = account.bank.one["e"]
  access_token = "t"
  outputs      = "7" # ERROR: Invalid value for an argument; The argument "outputs": must be an object such as { user_id = … }, but this is a string.
}

import {
  to           = account.bank.one["f"]
  access_token = "t"
  outputs      = { group = "7" } # ERROR: Unknown output; Provider "bank" has no output "group". Its outputs are branches, customers, group_id, muted.
}

import {
  to           = account.bank.one["g"]
  access_token = "t"
  outputs      = { grup_id = "7" } # ERROR: Did you mean "group_id"?
}

import {
  to           = account.bank.one["h"]
  access_token = "t"
  outputs      = { access_token = "7" } # ERROR: Unknown output; "access_token" is an argument of the import block itself. Set it there, not in outputs.
}

import {
  to           = account.bank.one["i"]
  access_token = "t"
  outputs      = { branches = { a = "7" } } # ERROR: Incorrect type of an output; The output "branches" must be a list of strings without nulls. The value is not shown, because it may be secret.
}

import {
  to           = account.bank.one["j"]
  access_token = "t"
  outputs      = { group_id = token.group_id } # ERROR: token
}

import {
  to           = account.bank.one["k"]
  access_token = var.nothing # ERROR: nothing
}
