variable "token" {
  default   = "a token"
  sensitive = true
}

account "bank" "a" {
  username = "u"
  password = "p"
}

account "bank" "b" {
  username = "u"
  password = "p"
}

account "bank" "c" {
  username = "u"
  password = "p"
}

account "bank" "shop" {
  for_each = toset(["almaty"])
  username = each.key
  password = "p"
}

account "static" "billing" {
  token = "t"
}

import { # ERROR: The argument "to" is required in the import block
  access_token = var.token
}

import { # ERROR: The argument "access_token" is required in the import block
  to = account.bank.a
}

import {
  to           = "account.bank.b" # ERROR: to must name an account. Write it as a reference
  access_token = var.token
}

import {
  to           = account.bank.missing # ERROR: Import for an account that is not declared; The configuration does not have account.bank.missing. Declare it, or take the block out.
  access_token = var.token
}

import {
  to           = account.static.billing # ERROR: Nothing to import; The token of account.static.billing is configured, so there is no login to save. Put it into the account block.
  access_token = var.token
}

import {
  to           = account.bank.shop # ERROR: Import for several accounts; account.bank.shop has for_each, at testdata/errors/import.hcl:21,1. Name the instance that the token is of: account.bank.shop["KEY"].
  access_token = var.token
}

import {
  to           = account.bank.shop["astana"] # ERROR: account.bank.shop, at testdata/errors/import.hcl:21,1, has no instance of that key.
  access_token = var.token
}

import {
  to           = account.bank.b["x"] # ERROR: has no instance of that key
  access_token = var.token
}

import {
  to           = account.bank.b
  access_token = var.token
}

import {
  to           = account.bank.b # ERROR: Two imports for one account; account.bank.b already has an import block at testdata/errors/import.hcl:70,18
  access_token = var.token
}

import {
  to           = account.bank.c
  access_token = [var.token] # ERROR: access_token
}

import {
  to           = account.bank.shop["almaty"]
  access_token = var.token
  acess_token  = "x" # ERROR: acess_token
}
