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
  access_token = "" # ERROR: Invalid import block; access_token is null or empty, so there is nothing to import. Give the token, or take the block out.
}

import { # ERROR: The argument "access_token" is required in the import block, but it is not set.
  to           = account.bank.one["b"]
  access_token = null
}

import {
  to           = account.bank.one["c"]
  access_token = "t"
  expires_at   = "tomorrow" # ERROR: expires_at is not a time in RFC 3339, such as 2026-03-01T12:00:00Z.
}

import {
  to            = account.plain.one["d"]
  access_token  = "t"
  refresh_token = "r" # ERROR: A token of plain cannot be refreshed. Leave refresh_token out.
}

import {
  to           = account.bank.one["e"]
  access_token = "t"
  outputs      = "7" # ERROR: outputs must be an object, such as { user_id = "17" }.
}

import {
  to           = account.bank.one["f"]
  access_token = "t"
  outputs      = { group = "7" } # ERROR: bank has no output "group" that can be given here. They are "group_id", "muted", "branches", "customers".
}

import {
  to           = account.bank.one["g"]
  access_token = "t"
  outputs      = { grup_id = "7" } # ERROR: Did you mean "group_id"?
}

import {
  to           = account.bank.one["h"]
  access_token = "t"
  outputs      = { access_token = "7" } # ERROR: has no output "access_token" that can be given here
}

import {
  to           = account.bank.one["i"]
  access_token = "t"
  outputs      = { branches = { a = "7" } } # ERROR: The output "branches" is a list of string.
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
